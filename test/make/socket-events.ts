/** What API Gateway calls the function behind a WebSocket API with, in the shape that its documentation shows. */
const context = (eventType: string, routeKey: string, connectionId: string) => ({
  routeKey,
  eventType,
  extendedRequestId: 'MPv6qGfCoAMF0Aw=',
  requestTime: '25/Nov/2026:10:00:00 +0000',
  messageDirection: 'IN',
  stage: 'events',
  connectedAt: 1795600800000,
  requestTimeEpoch: 1795600800123,
  identity: { userAgent: 'apoctl', sourceIp: '198.51.100.7' },
  requestId: 'MPv6qHrToAMFwdQ=',
  domainName: 'a1b2c3d4e5.execute-api.eu-central-1.amazonaws.com',
  connectionId,
  apiId: 'a1b2c3d4e5',
});

export const connectEvent = (
  connectionId: string,
  query: Record<string, string>,
  headers: Record<string, string> = {},
) => ({
  headers: {
    Host: 'a1b2c3d4e5.execute-api.eu-central-1.amazonaws.com',
    'Sec-WebSocket-Extensions': 'permessage-deflate; client_max_window_bits',
    'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
    'Sec-WebSocket-Version': '13',
    'X-Forwarded-For': '198.51.100.7',
    'X-Forwarded-Proto': 'https',
    ...headers,
  },
  multiValueHeaders: {},
  // API Gateway leaves it out when there is none.
  ...(Object.keys(query).length > 0 && {
    queryStringParameters: query,
    multiValueQueryStringParameters: Object.fromEntries(
      Object.entries(query).map(([name, value]) => [name, [value]]),
    ),
  }),
  requestContext: context('CONNECT', '$connect', connectionId),
  isBase64Encoded: false,
});

export const messageEvent = (connectionId: string, body: string) => ({
  requestContext: { ...context('MESSAGE', '$default', connectionId), messageId: 'MPv6rfO4IAMCFAg=' },
  body,
  isBase64Encoded: false,
});

export const disconnectEvent = (connectionId: string) => ({
  headers: { Host: 'a1b2c3d4e5.execute-api.eu-central-1.amazonaws.com', 'x-api-key': '' },
  requestContext: {
    ...context('DISCONNECT', '$disconnect', connectionId),
    disconnectStatusCode: 1005,
    disconnectReason: 'Client-side close frame status not set',
  },
  isBase64Encoded: false,
});

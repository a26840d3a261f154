import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2, Context } from 'aws-lambda';
import type { Log } from '../functions/deps.ts';
import type { HttpFunction } from '../functions/http.ts';
import { operations, routes } from '../shared/api/routes.ts';
import { newObjectId } from '../shared/core/object.ts';
import type { Clock } from '../shared/ports/clock.ts';
import { LIMITS } from '../shared/schema/config.ts';

/** Answers what is no operation of the API, such as bundles and pages. False: not mine. */
export type Side = (request: IncomingMessage, response: ServerResponse, url: URL) => Promise<boolean>;

interface Matcher {
  routeKey: string;
  method: string;
  pattern: RegExp;
  names: string[];
  group: string;
}

const matchers: Matcher[] = operations.map(operation => {
  const { method, path, group } = routes[operation];
  return {
    routeKey: `${method} ${path}`,
    method,
    pattern: new RegExp(`^${path.replaceAll('.', '\\.').replace(/\{\w+\}/g, '([^/]+)')}$`),
    names: [...path.matchAll(/\{(\w+)\}/g)].map(match => match[1] ?? ''),
    group,
  };
});

const decoded = (text: string): string => {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
};

/** The route that API Gateway would choose, without an optional `/v/<int>` in front. */
function match(
  method: string,
  path: string,
): { matcher: Matcher; params: Record<string, string> } | 'method' | 'path' {
  const plain = path.replace(/^\/v\/\d+(?=\/)/, '');
  let known = false;
  for (const matcher of matchers) {
    const found = matcher.pattern.exec(plain);
    if (!found) continue;
    known = true;
    if (matcher.method !== method) continue;
    const params = matcher.names.map((name, index) => [name, decoded(found[index + 1] ?? '')]);
    return { matcher, params: Object.fromEntries(params) as Record<string, string> };
  }
  return known ? 'method' : 'path';
}

/** Bytes of a body that is too long which are read all the same, so that its sender gets the answer and no broken pipe. */
const DRAINED = 64 * 1024 * 1024;

/** The body, or undefined when it is longer than the API takes. */
async function bodyOf(request: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > DRAINED) break;
    if (size > LIMITS.requestBody) chunks.length = 0;
    else chunks.push(chunk);
  }
  return size > LIMITS.requestBody ? undefined : Buffer.concat(chunks);
}

const failure = (code: number, title: string, description: string, trace: string): string =>
  JSON.stringify([{ code, title, description, subject: 'microseg', trace }]);

function send(response: ServerResponse, result: APIGatewayProxyStructuredResultV2): void {
  const body = Buffer.from(result.body ?? '', result.isBase64Encoded ? 'base64' : 'utf8');
  response.writeHead(result.statusCode ?? 500, [
    ...(result.statusCode === 204 ? [] : ['content-length', String(body.length)]),
    ...Object.entries(result.headers ?? {}).flatMap(([name, value]) => [name, String(value)]),
    ...(result.cookies ?? []).flatMap(cookie => ['set-cookie', cookie]),
  ]);
  response.end(body);
}

/** Node's request as API Gateway's payload 2.0 event. */
function eventOf(
  request: IncomingMessage,
  url: URL,
  body: Buffer,
  { matcher, params }: { matcher: Matcher; params: Record<string, string> },
  requestId: string,
): APIGatewayProxyEventV2 {
  const headers = Object.fromEntries(
    Object.entries(request.headers).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.join(',') : value,
    ]),
  );
  return {
    version: '2.0',
    routeKey: matcher.routeKey,
    rawPath: url.pathname,
    rawQueryString: url.search.slice(1),
    headers,
    ...(request.headers.cookie ? { cookies: request.headers.cookie.split(/;\s*/) } : {}),
    pathParameters: params,
    ...(body.length > 0 ? { body: body.toString('base64') } : {}),
    isBase64Encoded: true,
    requestContext: {
      accountId: 'local',
      apiId: 'local',
      domainName: url.host,
      domainPrefix: '',
      http: {
        method: request.method ?? 'GET',
        path: url.pathname,
        protocol: `HTTP/${request.httpVersion}`,
        sourceIp: request.socket.remoteAddress ?? '',
        userAgent: request.headers['user-agent'] ?? '',
      },
      requestId,
      routeKey: matcher.routeKey,
      stage: '$default',
      time: '',
      timeEpoch: 0,
    },
  };
}

/** What functions may read of Lambda's context. */
const contextOf = (awsRequestId: string): Context => ({
  awsRequestId,
  callbackWaitsForEmptyEventLoop: false,
  functionName: 'local',
  functionVersion: '$LATEST',
  invokedFunctionArn: 'local',
  memoryLimitInMB: '0',
  logGroupName: '',
  logStreamName: '',
  getRemainingTimeInMillis: () => LIMITS.requestSeconds * 1000,
  done: () => {},
  fail: () => {},
  succeed: () => {},
});

/**
 * The small front of the one-process build: node:http in, the Lambda functions of functions/api behind it.
 * It does what API Gateway does and no more: match the route, cut off long bodies, call the function.
 */
export function createFront(
  lambdas: Readonly<Record<string, HttpFunction>>,
  sides: readonly Side[],
  { clock, log }: { clock: Clock; log: Log },
): Server {
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const requestId = newObjectId(clock.now(), size => clock.randomBytes(size));
    const refuse = (statusCode: number, title: string, description: string): void =>
      send(response, {
        statusCode,
        headers: { 'content-type': 'application/json', 'x-request-id': requestId },
        body: failure(statusCode, title, description, requestId),
      });
    const target = `http://${request.headers.host ?? 'localhost'}${request.url ?? '/'}`;
    if (!URL.canParse(target))
      return refuse(400, 'Bad Request', 'the Host header or the path is no part of a URL');
    const url = new URL(target);
    for (const side of sides) if (await side(request, response, url)) return;
    const found = match(request.method ?? 'GET', url.pathname);
    if (found === 'path')
      return refuse(404, 'Not Found', `nothing is served at ${url.pathname}; see /openapi.json`);
    if (found === 'method')
      return refuse(405, 'Operation Not Supported', `${request.method} is not possible on ${url.pathname}`);
    const body = await bodyOf(request);
    if (!body) {
      response.setHeader('connection', 'close');
      return refuse(413, 'Payload Too Large', `the body has more than ${LIMITS.requestBody} bytes`);
    }
    const lambda = lambdas[found.matcher.group];
    if (!lambda) throw new Error(`no function for the group ${found.matcher.group}`);
    const event = eventOf(request, url, body, found, requestId);
    send(response, await lambda(event, contextOf(requestId)));
  };
  const server = createServer((request, response) => {
    answer(request, response).catch(error => {
      // A peer that hung up is no fault of ours.
      if (!request.destroyed)
        log.error('the front failed', { url: request.url, error: String(error?.stack ?? error) });
      if (!response.headersSent) response.writeHead(500);
      response.end();
    });
  });
  server.requestTimeout = LIMITS.requestSeconds * 1000;
  server.headersTimeout = 10_000;
  return server;
}

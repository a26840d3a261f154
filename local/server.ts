import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2, Context } from 'aws-lambda';
import type { Log } from '../functions/deps.ts';
import type { HttpFunction } from '../functions/http.ts';
import { noOperation } from '../functions/pipeline/decode.ts';
import { problem } from '../functions/pipeline/problem.ts';
import { CORS } from '../shared/api/cors.ts';
import { type Match, match } from '../shared/api/match.ts';
import { newObjectId } from '../shared/core/object.ts';
import type { Clock } from '../shared/ports/clock.ts';
import { LIMITS } from '../shared/schema/config.ts';
import { type Failure, fail } from '../shared/schema/failure.ts';

/** Answers what is no operation of the API, such as bundles and pages. False: not mine. */
export type Side = (request: IncomingMessage, response: ServerResponse, url: URL) => Promise<boolean>;

/** Bytes of a body that is too long which are read all the same, so that its sender gets the answer and no broken pipe. */
const DRAINED = 64 * 1024 * 1024;

/** The body, or undefined when it is longer than the API takes. */
async function bodyOf(request: IncomingMessage, largest: number): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > DRAINED) break;
    if (size > largest) chunks.length = 0;
    else chunks.push(chunk);
  }
  return size > largest ? undefined : Buffer.concat(chunks);
}

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
  { route, params }: Exclude<Match, string>,
  requestId: string,
): APIGatewayProxyEventV2 {
  const routeKey = `${route.method} ${route.path}`;
  const headers = Object.fromEntries(
    Object.entries(request.headers).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.join(',') : value,
    ]),
  );
  return {
    version: '2.0',
    routeKey,
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
      routeKey,
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

/** A name or an address, with a port: more of it would be taken for the path, which a proxy in front has judged. */
const HOST = /^[\w.:[\]-]*$/;

const isPreflight = ({ method, headers }: IncomingMessage): boolean =>
  method === 'OPTIONS' &&
  headers.origin !== undefined &&
  headers['access-control-request-method'] !== undefined;

const PREFLIGHT = {
  'access-control-allow-methods': CORS.methods.join(','),
  'access-control-allow-headers': CORS.allowed.join(','),
  'access-control-max-age': String(CORS.maxAge),
};

/** What API Gateway adds to every answer for a page of another origin. */
function allowOrigin(
  { headers }: IncomingMessage,
  response: ServerResponse,
  origins: readonly string[],
): void {
  const { origin } = headers;
  const any = origins.includes('*');
  if (!any) response.setHeader('vary', 'origin');
  if (origin === undefined || !(any || origins.includes(origin))) return;
  response.setHeader('access-control-allow-origin', any ? '*' : origin);
  response.setHeader('access-control-expose-headers', CORS.exposed.join(','));
}

export interface FrontOptions {
  clock: Clock;
  log: Log;
  /** Origins that may call from a browser; any, unless said otherwise: cdk/settings.ts says why. */
  corsOrigins?: readonly string[];
}

/**
 * The small front of the one-process build: node:http in, the Lambda functions of functions/api behind it.
 * It does what API Gateway does and no more: answer preflights, match the route, cut off long bodies, call the function.
 */
export function createFront(
  lambdas: Readonly<Record<string, HttpFunction>>,
  sides: readonly Side[],
  { clock, log, corsOrigins = ['*'] }: FrontOptions,
): Server {
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const requestId = newObjectId(clock.now(), size => clock.randomBytes(size));
    const refuse = (failure: Failure): void => {
      const { code, body } = problem(failure, requestId);
      const headers = { 'content-type': 'application/json', 'x-request-id': requestId };
      send(response, { statusCode: code, headers, body: JSON.stringify(body) });
    };
    const { host = 'localhost' } = request.headers;
    const target = `http://${host}${request.url ?? '/'}`;
    if (!HOST.test(host) || !URL.canParse(target))
      return refuse(fail('bad_request', 'the Host header or the path is no part of a URL'));
    const url = new URL(target);
    for (const side of sides) if (await side(request, response, url)) return;
    const method = request.method ?? 'GET';
    allowOrigin(request, response, corsOrigins);
    if (isPreflight(request)) return void response.writeHead(204, PREFLIGHT).end();
    const found = match(method, url.pathname);
    if (typeof found === 'string') return refuse(noOperation(found, method, url.pathname));
    const { largest = LIMITS.requestBody } = found.route;
    const body = await bodyOf(request, largest);
    if (!body) {
      response.setHeader('connection', 'close');
      return refuse(fail('too_large', `the body has more than ${largest} bytes`));
    }
    const lambda = lambdas[found.route.group];
    if (!lambda) throw new Error(`no function for the group ${found.route.group}`);
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

import type { APIGatewayProxyEventV2, Context } from 'aws-lambda';
import { z } from 'zod';
import { handlersOf } from '../../functions/api/index.ts';
import type { Deps } from '../../functions/deps.ts';
import { type HttpFunction, httpFunction } from '../../functions/http.ts';
import { ErrorBody } from '../../shared/api/messages.ts';
import { type Method, operations, type Route, routes } from '../../shared/api/routes.ts';
import { FAILURES } from '../../shared/schema/failure.ts';

/** An object of the API as tests look at it: the attributes that all have, and whatever else is in it. */
const Seen = z.looseObject({ ID: z.string(), name: z.string(), updateTime: z.string() });
export type Seen = z.infer<typeof Seen>;

/** What came back. `object`, `list` and `errors` fail the test when the body is something else. */
export interface Answer {
  status: number;
  headers: Readonly<Record<string, string>>;
  text: string;
  cookies: readonly string[];
  readonly object: Seen;
  readonly list: Seen[];
  readonly errors: ErrorBody[];
}

export const answer = (
  status: number,
  headers: Record<string, string>,
  text: string,
  cookies: readonly string[] = [],
): Answer => ({
  status,
  headers,
  text,
  cookies,
  get object() {
    return Seen.parse(JSON.parse(text));
  },
  get list() {
    return z.array(Seen).parse(JSON.parse(text));
  },
  get errors() {
    return z.array(ErrorBody).parse(JSON.parse(text));
  },
});

/** What is sent beside method and path. */
export interface Sent {
  namespace?: string;
  token?: string;
  /** Sent as JSON, or as it is when it is a string. */
  body?: unknown;
  /** Names in lower case, over those that are made from the rest; undefined takes one away. */
  headers?: Record<string, string | undefined>;
  /** Address that the platform saw. */
  address?: string;
  cookies?: string[];
}

/** `POST /namespaces`; a query may stand behind the path. */
export type RequestLine = `${Method} /${string}`;

/** The route that API Gateway would choose, and what its `{name}` parts are. */
export function routed(
  method: string,
  path: string,
): { route: Route; params: Record<string, string> } | undefined {
  const parts = path.split('/');
  for (const operation of operations) {
    const route = routes[operation];
    const wanted = route.path.split('/');
    if (route.method !== method || wanted.length !== parts.length) continue;
    const params: Record<string, string> = {};
    const fits = wanted.every((part, at) => {
      const own = parts[at] ?? '';
      if (!part.startsWith('{')) return part === own;
      params[part.slice(1, -1)] = decodeURIComponent(own);
      return own !== '';
    });
    if (fits) return { route, params };
  }
  return undefined;
}

let requests = 0;

/** An event of API Gateway, payload 2.0. */
export function eventOf(line: RequestLine, sent: Sent): APIGatewayProxyEventV2 {
  const [method = '', target = ''] = line.split(' ');
  const [path = '', query = ''] = target.split('?');
  const found = routed(method, path);
  const routeKey = found ? `${found.route.method} ${found.route.path}` : '$default';
  const { body } = sent;
  const text = body === undefined || typeof body === 'string' ? body : JSON.stringify(body);
  requests += 1;
  return {
    version: '2.0',
    routeKey,
    rawPath: path,
    rawQueryString: query,
    headers: {
      ...(sent.namespace === undefined ? {} : { 'x-namespace': sent.namespace }),
      ...(sent.token === undefined ? {} : { authorization: `Bearer ${sent.token}` }),
      ...(text === undefined ? {} : { 'content-type': 'application/json' }),
      ...sent.headers,
    },
    ...(sent.cookies ? { cookies: sent.cookies } : {}),
    ...(found ? { pathParameters: found.params } : {}),
    ...(text === undefined ? {} : { body: text }),
    isBase64Encoded: false,
    requestContext: {
      accountId: '1',
      apiId: 'test',
      domainName: 'api.test',
      domainPrefix: 'api',
      http: {
        method,
        path,
        protocol: 'HTTP/1.1',
        sourceIp: sent.address ?? '192.0.2.10',
        userAgent: 'test',
      },
      requestId: `request-${requests}`,
      routeKey,
      stage: '$default',
      time: '',
      timeEpoch: 0,
    },
  };
}

/** Each invocation has a context of its own, as Lambda gives it. */
export const contextOf = (): Context => ({
  awsRequestId: 'test',
  callbackWaitsForEmptyEventLoop: false,
  functionName: 'test',
  functionVersion: '$LATEST',
  invokedFunctionArn: 'test',
  memoryLimitInMB: '128',
  logGroupName: '',
  logStreamName: '',
  getRemainingTimeInMillis: () => 29_000,
  done: () => {},
  fail: () => {},
  succeed: () => {},
});

/** What a route refuses, its entry in the table says, or OpenAPI and the client would not know of it. */
function mustBeStated({ method, path, fails }: Route, { status, errors }: Answer): void {
  const [error] = errors;
  const stated = fails.some(kind => FAILURES[kind].code === status && FAILURES[kind].title === error?.title);
  if (!stated) throw new Error(`${method} ${path} answers ${status} ${error?.title}, which \`fails\` lacks`);
}

export type Call = (line: RequestLine, sent?: Sent) => Promise<Answer>;

/** Sends an event to the function that serves its route; what no route serves goes to any of them. */
export function caller(deps: () => Deps): Call {
  const lambdas: Record<string, HttpFunction> = Object.fromEntries(
    Object.entries(handlersOf).map(([group, handlers]) => [group, httpFunction(handlers, deps)]),
  );
  return async (line, sent = {}) => {
    const event = eventOf(line, sent);
    const [method = '', target = ''] = line.split(' ');
    const route = routed(method, target.split('?')[0] ?? '')?.route;
    const lambda = lambdas[route?.group ?? 'namespaces'];
    if (!lambda) throw new Error(`no function for the group ${route?.group}`);
    const result = await lambda(event, contextOf());
    const headers = Object.entries(result.headers ?? {}).map(([name, value]) => [
      name.toLowerCase(),
      String(value),
    ]);
    const answered = answer(
      result.statusCode ?? 0,
      Object.fromEntries(headers),
      result.body ?? '',
      result.cookies,
    );
    if (route && answered.status >= 400 && answered.status !== 500) mustBeStated(route, answered);
    return answered;
  };
}

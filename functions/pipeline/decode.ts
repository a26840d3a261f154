import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import { type Match, match } from '../../shared/api/match.ts';
import { mayWrite } from '../../shared/api/parameters.ts';
import type { Route } from '../../shared/api/routes.ts';
import { LIMITS } from '../../shared/schema/config.ts';
import { type Failure, fail } from '../../shared/schema/failure.ts';
import { NamespacePath, ROOT } from '../../shared/schema/ids.ts';
import { sentAs } from './media.ts';
import { fromMsgpack } from './msgpack.ts';

/** The operation that a request means. Gateways only know whose it is. */
export function operationOf(event: APIGatewayProxyEventV2): Exclude<Match, string> {
  const { method } = event.requestContext.http;
  const found = match(method, event.rawPath);
  if (typeof found === 'object') return found;
  throw noOperation(found, method, event.rawPath);
}

/** Why a request means no operation. */
export function noOperation(found: Extract<Match, string>, method: string, path: string): Failure {
  if (found === 'long') {
    return fail('bad_request', `${path} has more than 3 segments; no path of the API has so many`);
  }
  return found === 'path'
    ? fail('not_found', `nothing is served at ${path}; see /openapi.json`)
    : fail('not_allowed', `${method} is not possible on ${path}; see /openapi.json`);
}

export function namespaceOf(event: APIGatewayProxyEventV2, route: Route): NamespacePath {
  const header = event.headers['x-namespace'];
  if (route.allow === 'everybody') return ROOT;
  if (header === undefined || header === '') {
    throw fail(
      'bad_request',
      'header X-Namespace is missing; set it to the full path of a namespace, such as /tenant',
    );
  }
  const result = NamespacePath.safeParse(header);
  if (!result.success) {
    throw fail(
      'bad_request',
      `header X-Namespace is \`${header}\`, which is no path; write it as /tenant/account/group`,
    );
  }
  return result.data;
}

/** Query parameters with repeated names kept apart. Names are taken in lower case: `pageSize` is `pagesize`. */
export function queryOf(event: APIGatewayProxyEventV2): Record<string, string[]> {
  // Without a prototype: `constructor` is a name like any other.
  const query: Record<string, string[]> = Object.create(null);
  for (const [name, value] of new URLSearchParams(event.rawQueryString)) {
    const key = name.toLowerCase();
    query[key] = [...(query[key] ?? []), value];
  }
  return query;
}

/** `?dryRun=true` on what may write. As every flag it is set by being there, so nothing is changed by a misspelt value. */
export const isDryRun = (route: Route, query: Record<string, readonly string[]>): boolean =>
  mayWrite(route) && query.dryrun !== undefined;

/** Levels of a body that are taken; no schema has half as many, and what walks a value may not run out of stack. */
const DEEPEST = 64;

const isDeeper = (value: unknown, levels: number): boolean =>
  value !== null &&
  typeof value === 'object' &&
  (levels === 0 || Object.values(value).some(part => isDeeper(part, levels - 1)));

/** Half a character: JSON can say it, UTF-8 cannot, so that it would be stored as another one. */
const isIllFormed = (value: unknown): boolean =>
  typeof value === 'string'
    ? !value.isWellFormed()
    : value !== null &&
      typeof value === 'object' &&
      Object.entries(value).some(([key, part]) => !key.isWellFormed() || isIllFormed(part));

function shallow(body: unknown, what = 'the body'): unknown {
  if (!isDeeper(body, DEEPEST)) return body;
  throw fail('bad_request', `${what} is more than ${DEEPEST} levels deep; nothing here needs so many`);
}

function wellFormed(body: unknown, what = 'the body'): unknown {
  if (!isIllFormed(body)) return body;
  throw fail(
    'bad_request',
    `${what} has half a surrogate pair, such as \\ud800 alone; send whole characters`,
  );
}

const hasProto = (value: unknown): boolean =>
  value !== null &&
  typeof value === 'object' &&
  (Object.hasOwn(value, '__proto__') || Object.values(value).some(hasProto));

/** A key that some code takes for an attribute and some for what an object inherits from would be dropped unseen on the way. */
function withoutProto(body: unknown, what = 'the body'): unknown {
  if (!hasProto(body)) return body;
  throw fail('invalid', `Attribute '__proto__' is unknown here; leave it out of ${what}`, {
    attribute: '__proto__',
  });
}

/** A value that came as a text: not too deep, of whole characters, and of plain keys. `what` names it. */
export const plain = (body: unknown, what: string): unknown =>
  withoutProto(wellFormed(shallow(body, what), what), what);

/** The body; undefined for routes that take none. */
export function bodyOf(event: APIGatewayProxyEventV2, route: Route): unknown {
  if (!route.input) return undefined;
  const media = sentAs(event.headers);
  const bytes = Buffer.from(event.body ?? '', event.isBase64Encoded ? 'base64' : 'utf8');
  const { largest = LIMITS.requestBody } = route;
  if (bytes.length > largest) {
    throw fail('too_large', `the body has ${bytes.length} bytes; the most is ${largest}`);
  }
  const body =
    media === 'application/msgpack' ? fromMsgpack(bytes, DEEPEST) : shallow(json(bytes.toString('utf8')));
  return withoutProto(wellFormed(body));
}

function json(text: string): unknown {
  if (text.trim() === '') throw fail('bad_request', 'there is no body; send a JSON value, such as {}');
  try {
    return JSON.parse(text);
  } catch (error) {
    throw fail(
      'bad_request',
      `the body is not JSON: ${error instanceof Error ? error.message : 'unreadable'}`,
    );
  }
}

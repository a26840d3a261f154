import { gzipSync } from 'node:zlib';
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import type { Route } from '../../shared/api/routes.ts';
import { LIMITS } from '../../shared/schema/config.ts';
import { fail } from '../../shared/schema/failure.ts';
import { toMsgpack } from './msgpack.ts';

export type Media = 'application/json' | 'application/msgpack';
export const JSON_MEDIA: Media = 'application/json';

/** Names of a media type or range → what it means; as the original, everything general means JSON. */
const MEDIA: ReadonlyMap<string, Media> = new Map<string, Media>([
  ['application/json', 'application/json'],
  ['application/*', 'application/json'],
  ['*/*', 'application/json'],
  ['application/msgpack', 'application/msgpack'],
]);

/** One entry of an Accept header (RFC 9110, 12.5): what it names, in lower case, and its weight. */
const weighted = (entry: string): { name: string; weight: number } => {
  const [name = '', ...parameters] = entry.split(';').map(part => part.trim().toLowerCase());
  const weight = parameters.find(parameter => parameter.startsWith('q='))?.slice(2);
  return { name, weight: weight === undefined ? 1 : Number(weight) || 0 };
};

const entriesOf = (header: string): { name: string; weight: number }[] =>
  header
    .split(',')
    .map(weighted)
    .filter(({ name, weight }) => name !== '' && weight > 0)
    .sort((a, b) => b.weight - a.weight);

/**
 * What a body is sent as. Without the header it is JSON, as in the original, unless a page sends it: a browser names the
 * page's origin with every write, and asks us before a page may send JSON only where the header says that it is JSON.
 */
export function sentAs({ 'content-type': type = '', origin }: APIGatewayProxyEventV2['headers']): Media {
  const isLeftOut = type.trim() === '' && origin === undefined;
  const media = isLeftOut ? JSON_MEDIA : MEDIA.get(weighted(type).name);
  if (media) return media;
  throw fail(
    'unsupported_media_type',
    `content type is \`${type || 'missing'}\`; send application/json or application/msgpack`,
  );
}

/**
 * What the answer is wanted as; JSON when nobody says. Where the table does not state 415, everybody gets JSON:
 * standard clients of keys and configuration ask for types of their own.
 */
export const wantedAs = ({ headers }: APIGatewayProxyEventV2, { fails }: Route): Media =>
  fails.includes('unsupported_media_type') ? accepted(headers.accept) : 'application/json';

/** The first that the header names of what there is; JSON without one. */
export function accepted(accept: string | undefined): Media {
  if (accept === undefined || accept.trim() === '') return 'application/json';
  for (const { name } of entriesOf(accept)) {
    const media = MEDIA.get(name);
    if (media) return media;
  }
  throw fail(
    'unsupported_media_type',
    `header Accept is \`${accept}\`; this API answers application/json and application/msgpack`,
  );
}

/** Answers shorter than this fit into one packet anyway. */
const WORTH_ZIPPING = 1400;

const takesGzip = ({ headers }: APIGatewayProxyEventV2): boolean =>
  entriesOf(headers['accept-encoding'] ?? '').some(({ name }) => name === 'gzip' || name === '*');

/** Body and headers of an answer, in the media type and encoding that its caller takes. `schema`: what the body is. */
export function written(
  value: unknown,
  media: Media,
  event: APIGatewayProxyEventV2,
  schema?: Route['ok'],
): Required<Pick<APIGatewayProxyStructuredResultV2, 'headers' | 'body' | 'isBase64Encoded'>> {
  const plain = media === 'application/json' ? JSON.stringify(value) : toMsgpack(value, schema);
  const zips = Buffer.byteLength(plain) > WORTH_ZIPPING && takesGzip(event);
  const sent = zips ? gzipSync(plain) : plain;
  const isBase64Encoded = typeof sent !== 'string';
  const body = typeof sent === 'string' ? sent : sent.toString('base64');
  // What counts is what the function hands to API Gateway, base64 and all.
  if (Buffer.byteLength(body) > LIMITS.responseBody || Buffer.byteLength(plain) > LIMITS.responseBody) {
    throw fail(
      'too_large',
      `the answer has more than ${LIMITS.responseBody} bytes; ask for pages with limit= and after=`,
    );
  }
  const headers = { 'content-type': media, ...(zips ? { 'content-encoding': 'gzip' } : {}) };
  return { headers, body, isBase64Encoded };
}

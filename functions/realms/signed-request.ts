import { createHash } from 'node:crypto';
import { z } from 'zod';

/** What the caller signed and we send on: POST, this body, to one of STS's own hosts. */
export const BODY = 'Action=GetCallerIdentity&Version=2011-06-15';

/** Signed with the rest, so that the request is good for one API and once. */
export const SERVER_ID = 'x-microseg-server-id';
export const NONCE = 'x-microseg-nonce';

/** Seconds that a request may be used for. STS itself takes it for 15 minutes. */
export const LIFE = 300;
/** Seconds that the caller's clock may be ahead. */
const SKEW = 30;

/**
 * Regions whose STS is asked. A list and no pattern: other people can own names below amazonaws.com, such as those of
 * buckets.
 */
const REGIONS: Readonly<Record<string, readonly string[]>> = {
  'amazonaws.com': [
    ...['af-south-1', 'ap-east-1', 'ap-east-2', 'ap-northeast-1', 'ap-northeast-2', 'ap-northeast-3'],
    ...['ap-south-1', 'ap-south-2', 'ap-southeast-1', 'ap-southeast-2', 'ap-southeast-3', 'ap-southeast-4'],
    ...['ap-southeast-5', 'ap-southeast-6', 'ap-southeast-7', 'ca-central-1', 'ca-west-1', 'eu-central-1'],
    ...['eu-central-2', 'eu-north-1', 'eu-south-1', 'eu-south-2', 'eu-west-1', 'eu-west-2', 'eu-west-3'],
    ...['il-central-1', 'me-central-1', 'me-south-1', 'mx-central-1', 'sa-east-1', 'us-east-1', 'us-east-2'],
    ...['us-gov-east-1', 'us-gov-west-1', 'us-west-1', 'us-west-2'],
  ],
  'amazonaws.com.cn': ['cn-north-1', 'cn-northwest-1'],
};

/** Host of STS → the region that requests to it are signed for. */
const HOSTS: ReadonlyMap<string, string> = new Map([
  ['sts.amazonaws.com', 'us-east-1'],
  ...Object.entries(REGIONS).flatMap(([suffix, regions]) =>
    regions.map((region): [string, string] => [`sts.${region}.${suffix}`, region]),
  ),
]);

/** Headers that need no signature. */
const UNSIGNED = ['authorization', 'content-length', 'content-type'];
/** Every other header that is let through: nothing that could change what STS does or answers. */
const SIGNED = ['host', 'x-amz-content-sha256', 'x-amz-date', 'x-amz-security-token', SERVER_ID, NONCE];
const REQUIRED = ['host', 'x-amz-date', SERVER_ID, NONCE];

const Headers = z.partialRecord(z.enum([...UNSIGNED, ...SIGNED]), z.string().regex(/^[\x20-\x7e]+$/));

const AUTHORIZATION =
  /^AWS4-HMAC-SHA256 Credential=([\w-]{4,128})\/(\d{8})\/([a-z0-9-]+)\/sts\/aws4_request, ?SignedHeaders=([a-z0-9;-]+), ?Signature=([0-9a-f]{64})$/;

/** A request that may be sent on. Whether its signature is right only STS can say. */
export interface SignedRequest {
  url: URL;
  headers: Record<string, string>;
  /** What makes it this request and no other. */
  signature: string;
}

/** `20260301T120000Z` in milliseconds since the epoch; NaN for anything else. */
const timeOf = (text: string): number =>
  Date.parse(text.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'));

/** Names in lower case; undefined when two of them are the same then. */
function lowerCased(headers: Readonly<Record<string, string>>): Record<string, string> | undefined {
  const entries = Object.entries(headers).map(([name, value]): [string, string] => [
    name.toLowerCase(),
    value,
  ]);
  return new Set(entries.map(([name]) => name)).size === entries.length
    ? Object.fromEntries(entries)
    : undefined;
}

/**
 * Checks everything about a signed GetCallerIdentity but its signature: one of STS's hosts, signed for that host's
 * region, no header that is not in the list, everything that counts signed, meant for this API, and young.
 *
 * @returns the reason when it is not to be sent on
 */
export function readSignedRequest(
  address: string,
  sent: Readonly<Record<string, string>>,
  { apiURL, now }: { apiURL: string; now: Date },
): SignedRequest | string {
  const host = /^https:\/\/([a-z0-9.-]+)\/$/.exec(address)?.[1] ?? '';
  const region = HOSTS.get(host);
  if (region === undefined) return 'not a host of STS';
  const headers = Headers.safeParse(lowerCased(sent));
  if (!headers.success) return 'a header that is not let through, or twice';
  const { authorization = '', 'x-amz-date': date = '', ...rest } = headers.data;
  const [, , day, signedFor, names, signature] = AUTHORIZATION.exec(authorization) ?? [];
  if (day === undefined || names === undefined || signature === undefined) return 'no AWS4 signature';
  const signed = names.split(';');
  const needed = [...REQUIRED, ...Object.keys(rest).filter(name => !UNSIGNED.includes(name))];
  if (!needed.every(name => signed.includes(name))) return 'a header that counts is not signed';
  if (signedFor !== region || !date.startsWith(day)) return 'signed for another region or day';
  if (rest.host !== undefined && rest.host !== host) return 'signed for another host';
  if (rest[SERVER_ID] !== apiURL) return 'meant for another API';
  const digest = rest['x-amz-content-sha256'];
  if (digest !== undefined && digest !== createHash('sha256').update(BODY).digest('hex')) {
    return 'signed for another body';
  }
  const nonce = rest[NONCE] ?? '';
  if (nonce.length < 8 || nonce.length > 256) return 'no nonce of 8 to 256 characters';
  const age = (now.getTime() - timeOf(date)) / 1000;
  if (!(age <= LIFE && age >= -SKEW)) return 'too old, or of the future';
  const { host: _, 'content-length': __, ...others } = headers.data;
  return { url: new URL(address), headers: others as Record<string, string>, signature };
}

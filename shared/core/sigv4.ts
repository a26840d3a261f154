import { createHash, createHmac } from 'node:crypto';

/** AWS credentials; the session token only with temporary ones. */
export interface SigningCredentials {
  accessKeyID: string;
  secretAccessKey: string;
  sessionToken?: string;
}

export interface SignedRequest {
  method: string;
  /** Path segments must need no escaping beyond what `URL` did; query parameters must be in order. */
  url: URL;
  /** Lower-case names. All of them are signed. */
  headers?: Readonly<Record<string, string>>;
  body?: string | Uint8Array;
}

const sha256 = (data: string | Uint8Array): string => createHash('sha256').update(data).digest('hex');
const hmac = (key: string | Buffer, data: string): Buffer => createHmac('sha256', key).update(data).digest();

/**
 * The headers of a request with Signature Version 4 for a service in a region, without `host`, which HTTP clients set
 * themselves. Source: "Create a signed AWS API request" in the IAM user guide.
 */
export function signV4(
  { method, url, headers = {}, body = '' }: SignedRequest,
  { accessKeyID, secretAccessKey, sessionToken }: SigningCredentials,
  { service, region, now }: { service: string; region: string; now: Date },
): Record<string, string> {
  const time = now.toISOString().replace(/[:-]|\.\d{3}/g, '');
  const sent: Record<string, string> = {
    ...headers,
    'x-amz-content-sha256': sha256(body),
    'x-amz-date': time,
    ...(sessionToken !== undefined && { 'x-amz-security-token': sessionToken }),
  };
  const signed = Object.entries({ ...sent, host: url.host }).sort(([a], [b]) => (a < b ? -1 : 1));
  const names = signed.map(([name]) => name).join(';');
  const canonical = [
    method,
    url.pathname,
    url.search.slice(1),
    ...signed.map(([name, value]) => `${name}:${value.trim()}`),
    '',
    names,
    sha256(body),
  ].join('\n');
  const scope = `${time.slice(0, 8)}/${region}/${service}/aws4_request`;
  const key = scope.split('/').reduce<string | Buffer>(hmac, `AWS4${secretAccessKey}`);
  const signature = createHmac('sha256', key)
    .update(['AWS4-HMAC-SHA256', time, scope, sha256(canonical)].join('\n'))
    .digest('hex');
  const authorization = `AWS4-HMAC-SHA256 Credential=${accessKeyID}/${scope}, SignedHeaders=${names}, Signature=${signature}`;
  return { ...sent, authorization };
}

import { createHash, createHmac } from 'node:crypto';

/** An endpoint and who speaks to it. */
export interface Wire {
  endpoint: string;
  region: string;
  accessKeyId: string;
  secretAccessKey: string;
}

export interface Sent {
  method?: string;
  path?: string;
  headers?: Record<string, string>;
  body?: string | Uint8Array;
}

const sha256 = (data: string | Uint8Array): string => createHash('sha256').update(data).digest('hex');
const hmac = (key: string | Buffer, data: string): Buffer => createHmac('sha256', key).update(data).digest();

/**
 * One request to a service that no SDK client of the project speaks to, signed with Signature Version 4: what makes the
 * stacks (CloudFormation, Lambda) and takes events from a queue (SQS) is needed in tests only.
 */
export async function request(
  wire: Wire,
  service: string,
  sent: Sent,
): Promise<{ status: number; text: string }> {
  const { method = 'POST', path = '/', body = '' } = sent;
  const url = new URL(path, wire.endpoint);
  const time = new Date().toISOString().replace(/[:-]|\.\d{3}/g, '');
  const headers: Record<string, string> = { ...sent.headers, host: url.host, 'x-amz-date': time };
  if (service === 's3') headers['x-amz-content-sha256'] = sha256(body);
  const names = Object.keys(headers).sort();
  const scope = `${time.slice(0, 8)}/${wire.region}/${service}/aws4_request`;
  const canonical = [
    method,
    url.pathname,
    url.search.slice(1),
    ...names.map(name => `${name}:${headers[name]}`),
    '',
    names.join(';'),
    sha256(body),
  ].join('\n');
  const key = scope.split('/').reduce<string | Buffer>(hmac, `AWS4${wire.secretAccessKey}`);
  const signature = createHmac('sha256', key)
    .update(['AWS4-HMAC-SHA256', time, scope, sha256(canonical)].join('\n'))
    .digest('hex');
  const authorization = `AWS4-HMAC-SHA256 Credential=${wire.accessKeyId}/${scope}, SignedHeaders=${names.join(';')}, Signature=${signature}`;
  const answer = await fetch(url, {
    method,
    headers: { ...headers, authorization },
    ...(method !== 'GET' && { body: Buffer.from(body) }),
  });
  return { status: answer.status, text: await answer.text() };
}

const good = ({ status, text }: { status: number; text: string }, what: string): string => {
  if (status < 300) return text;
  throw new Error(`${what} was answered ${status}: ${text.slice(0, 2000)}`);
};

/** CloudFormation's way: parameters in a form, XML in return. */
export async function query(
  wire: Wire,
  service: string,
  version: string,
  action: string,
  parameters: Record<string, string>,
): Promise<string> {
  const body = new URLSearchParams({ Action: action, Version: version, ...parameters }).toString();
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  return good(await request(wire, service, { headers, body }), action);
}

/** The way of SQS: JSON both ways, the action in a header. */
export async function json(wire: Wire, service: string, target: string, input: unknown): Promise<unknown> {
  const headers = { 'content-type': 'application/x-amz-json-1.0', 'x-amz-target': target };
  const text = good(await request(wire, service, { headers, body: JSON.stringify(input) }), target);
  return text === '' ? {} : JSON.parse(text);
}

/** The way of Lambda and S3: a method and a path. */
export async function rest(wire: Wire, service: string, sent: Sent): Promise<string> {
  return good(await request(wire, service, sent), `${sent.method ?? 'POST'} ${sent.path}`);
}

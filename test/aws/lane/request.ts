import { signV4 } from '../../../shared/core/sigv4.ts';

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

/**
 * One request to a service that no SDK client of the project speaks to: what makes the stacks (CloudFormation, Lambda)
 * and takes events from a queue (SQS) is needed in tests only.
 */
async function request(wire: Wire, service: string, sent: Sent): Promise<{ status: number; text: string }> {
  const { method = 'POST', path = '/', body = '', headers = {} } = sent;
  const url = new URL(path, wire.endpoint);
  const credentials = { accessKeyID: wire.accessKeyId, secretAccessKey: wire.secretAccessKey };
  const signed = signV4({ method, url, headers, body }, credentials, {
    service,
    region: wire.region,
    now: new Date(),
  });
  const answer = await fetch(url, {
    method,
    headers: signed,
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

/** Invokes a function and waits for its answer. */
export async function invoke(wire: Wire, name: string, event: unknown): Promise<unknown> {
  const path = `/2015-03-31/functions/${encodeURIComponent(name)}/invocations`;
  return JSON.parse(await rest(wire, 'lambda', { path, body: JSON.stringify(event) }));
}

import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { type IncomingHttpHeaders, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Log } from '../../functions/deps.ts';
import { type ControlPlane, startControlPlane } from '../../local/control-plane.ts';
import { createClient, credentialToken } from '../../shared/api/client.ts';
import { CORS } from '../../shared/api/cors.ts';
import { EnforcerCredentials } from '../../shared/api/messages.ts';
import { Credential } from '../../shared/schema/appcredential.ts';
import { LIMITS } from '../../shared/schema/config.ts';
import { type Answer, answer } from '../make/call.ts';

let data: string;
let plane: ControlPlane;
let token: string;
const logged: string[] = [];
const note = (message: string, fields?: object): void =>
  void logged.push(`${message} ${JSON.stringify(fields)}`);
const log: Log = { info: note, warn: note, error: note };

const start = () => startControlPlane({ data, host: '127.0.0.1', port: 0, log });

interface Sent {
  headers?: Record<string, string>;
  body?: string | Buffer;
}

/** Sends the path as it is, without the tidying of `fetch`. */
const send = (method: string, path: string, { headers = {}, body }: Sent = {}): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const { port, hostname } = new URL(plane.url);
    const out = request({ method, path, port, hostname, headers, agent: false }, incoming => {
      const chunks: Buffer[] = [];
      incoming.on('data', chunk => chunks.push(chunk));
      incoming.on('end', () =>
        resolve(answer(incoming.statusCode ?? 0, flat(incoming.headers), Buffer.concat(chunks).toString())),
      );
      incoming.on('error', reject);
    });
    out.on('error', reject);
    out.end(body);
  });

const flat = (headers: IncomingHttpHeaders): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));

const api = (method: string, path: string, namespace: string, body?: object): Promise<Answer> =>
  send(method, path, {
    headers: {
      authorization: `Bearer ${token}`,
      'x-namespace': namespace,
      ...(body ? { 'content-type': 'application/json' } : {}),
    },
    ...(body ? { body: JSON.stringify(body) } : {}),
  });

beforeAll(async () => {
  data = mkdtempSync(join(tmpdir(), 'microseg-'));
  plane = await start();
  const credential = Credential.parse(JSON.parse(readFileSync(plane.administrator, 'utf8')));
  token = await credentialToken(credential, {
    now: Date.now,
    randomBytes: size => crypto.getRandomValues(new Uint8Array(size)),
  })();
});
afterAll(async () => {
  await plane.stop();
  rmSync(data, { recursive: true });
});

describe('the front', () => {
  it('serves the API over HTTP, also behind a version prefix', async () => {
    const client = createClient({ api: plane.url, token: async () => token });
    const { body } = await client.call('createNamespace', {
      namespace: '/' as never,
      body: { name: 'over-http' },
    });
    expect(body.name).toBe('/over-http');
    for (const path of ['/namespaces', '/v/1/namespaces', '/v/12/namespaces?pageSize=1&order=-name']) {
      const { status, headers, list } = await api('GET', path, '/');
      expect([status, headers['x-count-total'], list.length]).toEqual([200, '1', 1]);
    }
    const counted = await api('HEAD', '/namespaces', '/');
    expect([counted.status, counted.headers['x-count-total'], counted.text]).toEqual([204, '1', '']);
  });

  it('answers HEAD wherever it answers GET, without a body', async () => {
    for (const [path, status] of [
      ['/_meta/config', 204],
      ['/.well-known/jwks.json', 204],
      ['/namespaces/0190f3a1b2c3d4e5f6071829', 404],
      ['/nothing', 404],
    ] as const) {
      const answered = await api('HEAD', path, '/');
      expect([path, answered.status, answered.text]).toEqual([path, status, '']);
    }
  });

  it('tells browsers of other origins what they may send and read', async () => {
    const origin = 'https://console.example.com';
    const preflight = await send('OPTIONS', '/namespaces', {
      headers: {
        origin,
        'access-control-request-method': 'PUT',
        'access-control-request-headers': 'x-fields',
      },
    });
    expect([preflight.status, preflight.text]).toEqual([204, '']);
    expect(preflight.headers).toMatchObject({
      'access-control-allow-origin': '*',
      'access-control-allow-methods': CORS.methods.join(','),
      'access-control-allow-headers': CORS.allowed.join(','),
      'access-control-max-age': '3600',
    });
    for (const status of [200, 401]) {
      const answered = await send('GET', '/namespaces', {
        headers: {
          origin,
          'x-namespace': '/',
          ...(status === 200 ? { authorization: `Bearer ${token}` } : {}),
        },
      });
      expect([answered.status, answered.headers['access-control-allow-origin']]).toEqual([status, '*']);
      expect(answered.headers['access-control-expose-headers']).toContain('x-count-total');
    }
    expect((await send('OPTIONS', '/namespaces')).status).toBe(405);
  });

  it.each([
    ['GET', '/nothing', 404, 'nothing is served at /nothing; see /openapi.json'],
    ['GET', '/namespaces/', 404, '/namespaces/'],
    ['GET', '/namespaces/a/b/c', 400, 'more than 3 segments'],
    ['GET', '/v/1/namespaces/a/b/c', 400, 'more than 3 segments'],
    ['GET', '/v/1/nothing', 404, ''],
    ['DELETE', '/v/2/namespaces', 405, 'DELETE is not possible on /v/2/namespaces'],
    ['GET', '/v/x/namespaces', 404, ''],
    ['GET', '/', 404, ''],
    ['GET', '/.well-known/../namespaces/../nothing', 404, '/nothing'],
    ['PATCH', '/namespaces', 405, 'PATCH is not possible on /namespaces'],
    ['POST', '/namespaces/0190f3a1b2c3d4e5f6071829', 405, 'POST is not possible'],
    ['OPTIONS', '/namespaces', 405, ''],
    ['GET', '/namespaces', 400, 'X-Namespace'],
  ])('answers %s %s with %i', async (method, path, status, words) => {
    const { status: found, errors, headers } = await send(method, path);
    expect([found, errors[0]?.code]).toEqual([status, status]);
    expect(errors[0]?.description).toContain(words);
    expect(errors[0]?.trace).toBe(headers['x-request-id']);
  });

  it('asks for a token before it says anything else', async () => {
    const headers = { 'x-namespace': '/' };
    expect((await send('GET', '/namespaces', { headers })).status).toBe(401);
    expect((await send('POST', '/namespaces', { headers, body: 'no JSON' })).status).toBe(401);
    expect((await send('GET', '/namespaces', { headers: { 'x-namespace': '/a' } })).status).toBe(401);
  });

  it('takes two X-Namespace headers for none', async () => {
    const headers = { authorization: `Bearer ${token}`, 'x-namespace': '/, /' };
    expect((await send('GET', '/namespaces', { headers })).status).toBe(400);
  });

  it('takes an ID as one part of the path, whatever is encoded in it', async () => {
    for (const id of ['%2e%2e', '..%2f..', '%00', '%', '%ff']) {
      expect((await api('GET', `/namespaces/${id}`, '/')).status).toBe(404);
    }
  });

  it('takes a body of 1 MB', async () => {
    const body = { name: 'x'.repeat(LIMITS.requestBody - 11) };
    expect(Buffer.byteLength(JSON.stringify(body))).toBe(LIMITS.requestBody);
    expect((await api('POST', '/namespaces', '/', body)).status).toBe(422);
  });

  it('lives through requests that are nothing', async () => {
    const headers = { host: '' };
    const answers = [
      await send('GET', '//', {}),
      await send('GET', '/namespaces', { headers: { host: 'a b' } }),
      await send('GET', '/namespaces', { headers }),
    ];
    for (const { status } of answers) expect(status).toBeGreaterThanOrEqual(400);
    expect((await api('HEAD', '/namespaces', '/')).status).toBe(204);
  });

  it('serves the API reference', async () => {
    const { status, text } = await send('GET', '/openapi.json');
    expect([status, JSON.parse(text).openapi]).toEqual([200, expect.stringMatching(/^3\.1/)]);
  });
});

describe('the bundle endpoint', () => {
  let timestamp: string;
  let other: string;
  let session: string;
  const get = (path: string, headers: Record<string, string> = { 'x-amz-security-token': session }) =>
    send('GET', path, { headers });

  beforeAll(async () => {
    await api('POST', '/namespaces', '/', { name: 'acme' });
    const of = async (name: string): Promise<EnforcerCredentials> => {
      await api('POST', '/namespaces', '/acme', { name });
      const { object } = await api('POST', '/enforcers', `/acme/${name}`, { name: 'host', FQDN: 'host' });
      const { text } = await api('POST', `/enforcers/${object.ID}/credentials`, `/acme/${name}`);
      return EnforcerCredentials.parse(JSON.parse(text));
    };
    const [mine, theirs] = [await of('mine'), await of('theirs')];
    await plane.settled();
    session = mine.sessionToken;
    timestamp = `/bundles/${mine.namespaceID}/metadata/timestamp.json`;
    other = `/bundles/${theirs.namespaceID}/metadata/timestamp.json`;
    expect(mine.url).toBe(`${plane.url}/bundles/${mine.namespaceID}`);
  });

  it('answers as S3 does: ETag, 304, HEAD', async () => {
    const first = await get(timestamp);
    expect(first.status, first.text).toBe(200);
    expect(JSON.parse(first.text).signed._type).toBe('timestamp');
    const etag = first.headers.etag ?? '';
    expect(etag).toMatch(/^"[0-9a-f]+"$/);
    const again = await get(timestamp, { 'x-amz-security-token': session, 'if-none-match': etag });
    expect([again.status, again.text, again.headers.etag]).toEqual([304, '', etag]);
    const stale = await get(timestamp, { 'x-amz-security-token': session, 'if-none-match': '"0"' });
    expect([stale.status, stale.text]).toEqual([200, first.text]);
    const head = await send('HEAD', timestamp, { headers: { 'x-amz-security-token': session } });
    expect([head.status, head.text, head.headers['content-length']]).toEqual([
      200,
      '',
      String(first.text.length),
    ]);
  });

  it('says 404 for a key of its own prefix that is not there', async () => {
    const missing = await get(timestamp.replace('timestamp', '99.snapshot'));
    expect([missing.status, missing.text]).toEqual([404, expect.stringContaining('<Code>NoSuchKey</Code>')]);
  });

  it('refuses every method that writes', async () => {
    for (const method of ['PUT', 'POST', 'DELETE', 'PATCH']) {
      const refused = await send(method, timestamp, { headers: { 'x-amz-security-token': session } });
      expect([refused.status, refused.text]).toEqual([405, expect.stringContaining('MethodNotAllowed')]);
    }
  });

  it('refuses everybody without a session token of this prefix', async () => {
    const refused = [
      await get(timestamp, {}),
      await get(timestamp, { 'x-amz-security-token': '' }),
      await get(timestamp, { 'x-amz-security-token': 'x' }),
      await get(timestamp, { 'x-amz-security-token': `${session}x` }),
      await get(timestamp, { 'x-amz-security-token': 'x'.repeat(8000) }),
      await get(timestamp, { authorization: `Bearer ${session}` }),
      // A token of the API opens no bundle, not even its administrator's.
      await get(timestamp, { 'x-amz-security-token': token }),
      await get(other),
      await get(other.replace('timestamp', '1.root')),
    ];
    for (const { status, text } of refused) {
      expect([status, text]).toEqual([403, expect.stringContaining('<Code>AccessDenied</Code>')]);
    }
    const works = await send('GET', '/namespaces', {
      headers: { authorization: `Bearer ${session}`, 'x-namespace': '/acme/mine' },
    });
    expect(works.status).toBe(401);
  });

  it('serves nothing but the keys of bundles, however a path is written', async () => {
    const id = timestamp.split('/')[2] ?? '';
    const theirs = other.split('/')[2] ?? '';
    for (const path of [
      '/bundles/',
      `/bundles/${id}`,
      `/bundles/${id}/`,
      `/bundles/${id}/metadata/`,
      `/bundles/${id}/metadata/../../${theirs}/metadata/timestamp.json`,
      `/bundles/${id}/metadata/%2e%2e/%2e%2e/${theirs}/metadata/timestamp.json`,
      `/bundles/${id}/metadata/..%2f..%2f${theirs}%2fmetadata%2ftimestamp.json`,
      `/bundles/${id}/metadata/..%5c..%5c${theirs}`,
      `/bundles/${id}%2fmetadata%2ftimestamp.json`,
      `/bundles/${id}/metadata/....//timestamp.json`,
      `/bundles/${id}/metadata/timestamp.json%00`,
      `/bundles/${id}/metadata/timestamp.json/`,
      `/bundles//${id}/metadata/timestamp.json`,
      `/bundles/${id.toUpperCase()}/metadata/timestamp.json`,
      '/bundles/roots/1.root.json',
      '/bundles/../keys/token.pem',
      '/bundles/%2e%2e/keys/token.pem',
      '/bundles/..%2f..%2fadmin.creds',
    ]) {
      const { status, text } = await get(path);
      expect([path, [403, 404].includes(status)]).toEqual([path, true]);
      expect(text).not.toMatch(/signed|PRIVATE|certificateKey/);
    }
  });

  it('refuses a session token after its hour', async () => {
    const late = { now: () => new Date(Date.now() + 3_601_000) };
    const { openBundleAccess } = await import('../../shared/adapters/local/bundle-access.ts');
    const access = openBundleAccess({ signer: plane.deps.tokenKeys.signs, clock: late, url: () => '' });
    expect(await access.allows(session, timestamp.slice(1))).toBe(false);
  });
});

describe('a Host header', () => {
  it.each(['x/_meta/version?', 'x/_meta/version#', 'x\\_meta', 'a@b', 'x y'])(
    '%s says nothing of the path',
    async host => {
      const { status, text } = await send('GET', '/nothing', { headers: { host } });
      expect([status, text]).toEqual([400, expect.stringContaining('the Host header')]);
    },
  );

  it.each(['example.com', 'example.com:8443', '[::1]:8080', ''])('%s is one', async host => {
    expect((await send('GET', '/_meta/version', { headers: { host } })).status).toBe(200);
  });
});

describe('a start', () => {
  it('keeps the administrator, the keys and what was acknowledged', async () => {
    const before = readFileSync(plane.administrator, 'utf8');
    expect(statSync(plane.administrator).mode & 0o777).toBe(0o600);
    const { list } = await api('GET', '/namespaces', '/');
    await plane.stop();
    plane = await start();
    const after = Credential.parse(JSON.parse(readFileSync(plane.administrator, 'utf8')));
    // Another port, so another URL; the same key.
    expect(after).toEqual({ ...JSON.parse(before), APIURL: plane.url });
    const credentials = credentialToken(after, {
      now: Date.now,
      randomBytes: size => crypto.getRandomValues(new Uint8Array(size)),
    });
    token = await credentials();
    expect((await api('GET', '/namespaces', '/')).list).toEqual(list);
  });

  it('logs nothing that is secret', () => {
    const { certificateKey } = Credential.parse(JSON.parse(readFileSync(plane.administrator, 'utf8')));
    for (const line of logged) {
      expect(line).not.toContain(certificateKey);
      expect(line).not.toContain(token);
    }
  });
});

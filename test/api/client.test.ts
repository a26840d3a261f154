import { type CryptoKey, exportPKCS8, generateKeyPair, jwtVerify, SignJWT } from 'jose';
import { beforeAll, describe, expect, expectTypeOf, test } from 'vitest';
import { ApiError, createClient, credentialToken } from '../../shared/api/client.ts';
import type { Credential } from '../../shared/schema/appcredential.ts';
import { Failure } from '../../shared/schema/failure.ts';
import type { ObjectOf } from '../../shared/schema/resources.ts';

interface Asked {
  url: string;
  init: RequestInit;
}

/** A fetch that answers from a list and keeps what it was asked. */
function answering(...answers: (Response | Error)[]) {
  const asked: Asked[] = [];
  const fetch = async (url: string | URL | Request, init: RequestInit = {}) => {
    asked.push({ url: String(url), init });
    const answer = answers.shift();
    if (answer === undefined) throw new Error('asked once too often');
    if (answer instanceof Error) throw answer;
    return answer;
  };
  return { asked, fetch };
}

const json = (body: unknown, init?: ResponseInit) => new Response(JSON.stringify(body), init);
const api = 'http://api.example';
const id = '0'.repeat(24);

const externalnetwork = {
  ID: id,
  namespace: '/acme',
  createTime: '2026-01-02T03:04:05.678Z',
  updateTime: '2026-01-02T03:04:05.678Z',
  normalizedTags: [],
  name: 'dns',
  entries: ['8.8.8.8/32'],
};

describe('a request', () => {
  test('carries namespace, token, key and body as headers and JSON', async () => {
    const { asked, fetch } = answering(json(externalnetwork));
    const client = createClient({ api: `${api}/`, token: async () => 'tok', fetch });
    const body = { name: 'dns', entries: ['8.8.8.8/32'] };
    await client.call('createExternalnetwork', { namespace: '/acme', body, idempotencyKey: 'k' });
    expect(asked).toEqual([
      {
        url: `${api}/externalnetworks`,
        init: {
          method: 'POST',
          redirect: 'error',
          signal: expect.any(AbortSignal),
          body: JSON.stringify(body),
          headers: {
            accept: 'application/json',
            authorization: 'Bearer tok',
            'content-type': 'application/json',
            'idempotency-key': 'k',
            'x-namespace': '/acme',
          },
        },
      },
    ]);
  });

  test('escapes path and query, repeats lists, and leaves out what is false', async () => {
    const { asked, fetch } = answering(json({}), json([]));
    const client = createClient({ api, fetch });
    await client.send('getEnforcer', { params: { id: 'a/b?c' } });
    const query = {
      recursive: false,
      override: true,
      order: ['name', '-ID'],
      after: 'a&b',
      limit: undefined,
    };
    await client.send('listEnforcer', { query });
    expect(asked.map(({ url }) => url)).toEqual([
      `${api}/enforcers/a%2Fb%3Fc`,
      `${api}/enforcers?override=true&order=name&order=-ID&after=a%26b`,
    ]);
  });

  test('is not sent without the parameters of its path', async () => {
    const { asked, fetch } = answering();
    const client = createClient({ api, fetch });
    for (const params of [{}, { id: '' }, { id: '..' }])
      await expect(client.send('getEnforcer', { params })).rejects.toThrow('value for id');
    expect(asked).toEqual([]);
  });
});

describe('an answer', () => {
  test('is parsed: defaults filled in, unknown attributes kept', async () => {
    const { fetch } = answering(json({ ...externalnetwork, fromTheFuture: 1 }));
    const { body } = await createClient({ api, fetch }).call('getExternalnetwork', { params: { id } });
    expectTypeOf(body).toEqualTypeOf<ObjectOf<'externalnetwork'>>();
    expect(body).toMatchObject({ name: 'dns', propagate: false, fromTheFuture: 1 });
  });

  test('brings total, cursor and warnings', async () => {
    const headers = {
      'x-count-total': '7',
      'x-next': 'c',
      'x-messages': 'one%3B %E2%82%AC;50%25 of two;100% old',
    };
    const { fetch } = answering(
      json([externalnetwork], { headers }),
      new Response(null, { status: 204, headers }),
    );
    const client = createClient({ api, fetch });
    expect(await client.call('listExternalnetwork')).toMatchObject({
      total: 7,
      next: 'c',
      messages: ['one; €', '50% of two', '100% old'],
    });
    expect(await client.call('countExternalnetwork')).toEqual({
      status: 204,
      body: undefined,
      total: 7,
      next: 'c',
      messages: ['one; €', '50% of two', '100% old'],
    });
  });

  test('of another shape is refused by call, and passed on by send', async () => {
    const { fetch } = answering(json({ name: 1 }), json({ name: 1 }));
    const client = createClient({ api, fetch });
    await expect(client.call('getExternalnetwork', { params: { id } })).rejects.toMatchObject({
      kind: 'unavailable',
    });
    expect((await client.send('getExternalnetwork', { params: { id } })).body).toEqual({ name: 1 });
  });

  test('that refuses is an ApiError with every entry of its body', async () => {
    const errors = [
      {
        code: 422,
        title: 'Validation Error',
        description: 'a',
        subject: 's',
        data: { attribute: 'x' },
        trace: 't',
      },
      { code: 422, title: 'Validation Error', description: 'b', subject: 's', trace: 't' },
    ];
    const { fetch } = answering(json(errors, { status: 422 }));
    const error = await createClient({ api, fetch })
      .send('listEnforcer')
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ApiError);
    expect(error).toMatchObject({ status: 422, errors });
  });

  test.each(['', '<html>', '{}', '[]'])('that refuses with the body `%s` is an ApiError too', async text => {
    const { fetch } = answering(new Response(text, { status: 502, statusText: 'Bad Gateway' }));
    const error = await createClient({ api, fetch })
      .send('listEnforcer')
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ status: 502, errors: [{ code: 502, title: 'Bad Gateway' }] });
  });

  test('that never came is the failure `unavailable` with the URL and the reason', async () => {
    const { fetch } = answering(new TypeError('fetch failed', { cause: new Error('connect ECONNREFUSED') }));
    const error = await createClient({ api, fetch })
      .send('listEnforcer')
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(Failure);
    expect(error).toMatchObject({
      kind: 'unavailable',
      message: `no answer from ${api}: connect ECONNREFUSED`,
    });
  });
});

describe('a credential’s token', () => {
  let credential: Credential;
  let publicKey: CryptoKey;
  const secret = new Uint8Array(32);
  const start = 1_800_000_000_000;
  let time = start;

  beforeAll(async () => {
    const keys = await generateKeyPair('ES256', { extractable: true });
    publicKey = keys.publicKey;
    credential = {
      APIURL: `${api}/`,
      ID: id,
      name: 'c',
      namespace: '/acme',
      certificate: '',
      certificateKey: btoa(await exportPKCS8(keys.privateKey)),
      certificateAuthority: '',
    };
  });

  const issued = async (name: string, seconds: number) =>
    json({
      realm: 'AppCredential',
      validity: `${seconds}s`,
      token: await new SignJWT({ name })
        .setProtectedHeader({ alg: 'HS256' })
        .setExpirationTime(Math.floor(time / 1000) + seconds)
        .sign(secret),
    });
  const options = (fetch: ReturnType<typeof answering>['fetch']) => ({
    fetch,
    now: () => time,
    randomBytes: (size: number) => new Uint8Array(size).fill(7),
  });

  test('is got with an ES256 assertion of one minute for this API alone', async () => {
    time = start;
    const { asked, fetch } = answering(await issued('a', 600));
    await credentialToken(credential, { ...options(fetch), validity: '10m' })();
    expect(asked[0]?.url).toBe(`${api}/issue`);
    const { metadata, ...rest } = JSON.parse(String(asked[0]?.init.body));
    expect(rest).toEqual({ realm: 'AppCredential', validity: '10m' });
    const { payload, protectedHeader } = await jwtVerify(metadata.token, publicKey, {
      currentDate: new Date(time),
    });
    expect(protectedHeader).toEqual({ alg: 'ES256', typ: 'JWT' });
    expect(payload).toEqual({
      iss: id,
      sub: id,
      aud: api,
      namespace: '/acme',
      jti: 'BwcHBwcHBwcHBwcHBwcHBw',
      iat: start / 1000,
      exp: start / 1000 + 60,
    });
  });

  test('is kept until half a minute before its end, and shared by calls at the same time', async () => {
    time = start;
    const { asked, fetch } = answering(await issued('a', 600), await issued('b', 1200));
    const token = credentialToken(credential, options(fetch));
    const [one, two] = await Promise.all([token(), token()]);
    expect(one).toBe(two);
    time = start + 569_000;
    expect(await token()).toBe(one);
    expect(asked).toHaveLength(1);
    time = start + 570_000;
    expect(await token()).not.toBe(one);
    expect(asked).toHaveLength(2);
  });

  test('is asked for again after a failure', async () => {
    time = start;
    const { fetch } = answering(new Error('down'), await issued('a', 600));
    const token = credentialToken(credential, options(fetch));
    await expect(token()).rejects.toThrow('down');
    expect(await token()).not.toBe('');
  });

  test('cannot be had with a damaged key, and nothing is sent', async () => {
    const { asked, fetch } = answering();
    const broken = { ...credential, certificateKey: '%%%' };
    await expect(credentialToken(broken, options(fetch))()).rejects.toThrow(
      `certificateKey of credential ${id}`,
    );
    expect(asked).toEqual([]);
  });
});

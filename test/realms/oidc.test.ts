import { createHmac, createPublicKey, type JsonWebKey } from 'node:crypto';
import { decodeJwt, type JWTPayload } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeKey, type SigningKey, signed } from './issuer.ts';
import { openWorld, type World } from './world.ts';

const CLIENT = 'client-1';
let world: World;
let tenant: string;
let issuer: string;
let rsa: SigningKey;
let ec: SigningKey;
let stranger: SigningKey;

const provider = (name: string, more: object = {}) =>
  world.plane.root('POST /oidcproviders', tenant, {
    body: { name, endpoint: issuer, clientID: CLIENT, subjects: ['email', 'groups', 'level'], ...more },
  });

beforeAll(async () => {
  [rsa, ec, stranger] = await Promise.all([
    makeKey('rsa', 'RS256'),
    makeKey('ec', 'ES256'),
    makeKey('ec', 'ES256'),
  ]);
  world = await openWorld();
  tenant = await world.plane.tenant();
  issuer = world.issuers.issuer('/login', [rsa.jwk, ec.jwk]);
  expect((await provider('login', { default: true })).status).toBe(200);
});
afterAll(() => world.stop());

const claims = (changed: JWTPayload = {}): JWTPayload => ({
  iss: issuer,
  aud: CLIENT,
  sub: 'user-1',
  iat: world.now(),
  exp: world.now() + 600,
  email: 'ann@example.com',
  groups: ['Ops', 'dev'],
  level: 3,
  ...changed,
});
/** The claims without one of them. */
const without = (name: string): JWTPayload =>
  Object.fromEntries(Object.entries(claims()).filter(([key]) => key !== name));
const good = (changed: JWTPayload = {}, header: object = {}) => signed(ec, claims(changed), header);
const trade = (token: string, more: object = {}, OIDCProviderName = 'login') =>
  world.issue({ realm: 'OIDC', metadata: { namespace: tenant, OIDCProviderName, token }, ...more });

/** What Cognito writes into its tokens (developer guide, "Understanding user pool JSON web tokens"). */
const ofCognito = {
  both: {
    auth_time: 0,
    event_id: '0f3b1d06-7b52-4b4e-8f5f-3f0b2a0c9d11',
    jti: 'b7e8b1f0-2f49-4b0e-9df8-1a3c2f5d7e90',
    origin_jti: 'f4b9c9a0-6a44-4f43-8b5b-7a0c5b8e2d33',
    'cognito:groups': ['operators', 'auditors'],
  },
  id: { token_use: 'id', 'cognito:username': 'ann', email: 'ann@example.com', email_verified: true },
  access: { token_use: 'access', client_id: CLIENT, scope: 'aws.cognito.signin.user.admin', username: 'ann' },
};

describe('of a Cognito user pool', () => {
  const subjects = ['email', 'cognito:groups'];
  const token = (more: object) =>
    signed(rsa, {
      iss: issuer,
      sub: 'ann-1',
      iat: world.now(),
      exp: world.now() + 3600,
      ...ofCognito.both,
      ...more,
    });

  it('the identity token is taken, with a tag for each group', async () => {
    expect((await provider('people', { subjects })).status).toBe(200);
    const issued = await trade(await token({ aud: CLIENT, ...ofCognito.id }), {}, 'people');
    expect(issued.status, issued.text).toBe(200);
    expect(decodeJwt(world.token(issued)).data).toEqual({
      email: 'ann@example.com',
      'cognito:groups:operators': 'true',
      'cognito:groups:auditors': 'true',
    });
  });

  it.each([
    ['the access token', ofCognito.access],
    ['the identity token for another client', { ...ofCognito.id, aud: 'client-2' }],
    ['an access token that names an audience', { ...ofCognito.access, aud: CLIENT }],
  ])('%s is refused', async (_, more) => {
    expect((await trade(await token(more), {}, 'people')).status).toBe(401);
  });
});

/** Lets callers with these claims see everything in the tenant. */
const allow = async (...subject: string[]) => {
  const { object, status, text } = await world.plane.root('POST /apiauthorizationpolicies', tenant, {
    body: {
      name: subject.join(' '),
      subject: [subject],
      authorizedIdentities: ['@auth:role=namespace.viewer'],
      authorizedNamespace: tenant,
    },
  });
  expect(status, text).toBe(200);
  return () => world.plane.root(`DELETE /apiauthorizationpolicies/${object.ID}`, tenant);
};
const see = async (token: string, namespace = tenant) =>
  (await world.plane.caller(token)('GET /namespaces', namespace)).status;

describe('a good identity token', () => {
  it.each([
    ['RS256', () => rsa],
    ['ES256', () => ec],
  ])('signed with %s is traded for a token', async (_, key) => {
    const answered = await trade(await signed(key(), claims()));
    expect(answered.status, answered.text).toBe(200);
    expect(decodeJwt(world.token(answered))).toMatchObject({
      realm: 'oidc',
      sub: 'user-1',
      namespace: tenant,
      data: { email: 'ann@example.com', 'groups:Ops': 'true', 'groups:dev': 'true', level: '3' },
    });
  });

  it('gives the rights of the authorizations whose claims it has, and no others', async () => {
    const token = world.token(await trade(await good()));
    expect(await see(token)).toBe(403);
    for (const claim of ['@auth:email=ann@example.com', '@auth:groups:ops=true', '@auth:subject=user-1']) {
      const remove = await allow('@auth:realm=oidc', `@auth:namespace=${tenant}`, claim);
      expect(await see(token), claim).toBe(200);
      await remove();
    }
    for (const namespace of ['/', '/tenant-99']) {
      const remove = await allow('@auth:realm=oidc', `@auth:namespace=${namespace}`, '@auth:subject=user-1');
      expect(await see(token)).toBe(403);
      await remove();
    }
  });

  it('is taken without a provider’s name by the default provider', async () => {
    expect((await trade(await good(), {}, '')).status).toBe(200);
  });

  it('stops working within one request when its provider is disabled or deleted', async () => {
    const { object } = await provider('short');
    const token = world.token(await trade(await good(), {}, 'short'));
    const one = `/oidcproviders/${object.ID}` as const;
    expect(await see(token)).toBe(403);
    await world.plane.root(`PATCH ${one}`, tenant, { body: { disabled: true } });
    expect(await see(token)).toBe(401);
    expect((await trade(await good(), {}, 'short')).status).toBe(401);
    await world.plane.root(`PATCH ${one}`, tenant, { body: { disabled: false } });
    expect(await see(token)).toBe(403);
    await world.plane.root(`DELETE ${one}`, tenant);
    expect(await see(token)).toBe(401);
  });

  it('cannot say its realm, its subject or its namespace by other claims', async () => {
    const named = await provider('sly', { subjects: ['Realm'] });
    expect([named.status, named.errors[0]?.data?.attribute]).toEqual([422, 'subjects[0]']);
    await provider('lists', { subjects: ['a', 'x'] });
    const token = world.token(
      await trade(await good({ a: ['realm=certificate', 'b c', 'ok'], x: { y: 1 } }), {}, 'lists'),
    );
    expect(decodeJwt(token).data).toEqual({ 'a:ok': 'true' });
  });

  it('has no email that its issuer says nobody confirmed', async () => {
    const emailOf = async (email_verified?: unknown) => {
      const changed = email_verified === undefined ? {} : { email_verified };
      const { data } = decodeJwt(world.token(await trade(await good(changed))));
      return Object.hasOwn(data as object, 'email');
    };
    expect([await emailOf(), await emailOf(true), await emailOf('true')]).toEqual([true, true, true]);
    expect([await emailOf(false), await emailOf('false'), await emailOf(null)]).toEqual([
      false,
      false,
      false,
    ]);
  });
});

describe('an identity token is refused with 401', () => {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const forged = (header: object, signature: (text: string) => string) => {
    const text = `${part(header)}.${part(claims())}`;
    return `${text}.${signature(text)}`;
  };
  const attacks: Record<string, () => string | Promise<string>> = {
    'without a signature': () => forged({ alg: 'none' }, () => ''),
    'with alg none in other letters': () => forged({ alg: 'nOnE' }, () => ''),
    'signed with HS256 and the public key as secret': () => {
      const key = createPublicKey({ key: ec.jwk as JsonWebKey, format: 'jwk' });
      const pem = key.export({ type: 'spki', format: 'pem' });
      return forged({ alg: 'HS256', kid: 'ec' }, text =>
        createHmac('sha256', pem).update(text).digest('base64url'),
      );
    },
    'signed by a stranger under a known kid': () => signed(stranger, claims()),
    'with a key in its header': () => signed(stranger, claims(), { jwk: stranger.jwk, kid: 'new' }),
    'with the URL of a key in its header': () =>
      signed(stranger, claims(), { jku: `${world.issuers.origin}/evil/keys`, kid: 'new' }),
    'with a kid that is a path': () => signed(ec, claims(), { kid: '../../../dev/null' }),
    'with a kid that is very long': () => signed(ec, claims(), { kid: 'k'.repeat(257) }),
    'with a kid that is a member of every object': () => signed(ec, claims(), { kid: '__proto__' }),
    'with an EC key said to be RSA': () => signed(ec, claims(), { kid: 'rsa' }),
    'of another issuer': () => good({ iss: `${world.issuers.origin}/other` }),
    'of an issuer that begins alike': () => good({ iss: `${issuer}/x` }),
    'for another audience': () => good({ aud: 'client-2' }),
    'for us and others, without saying who is meant': () => good({ aud: [CLIENT, 'client-2'] }),
    'for us and others, meant for another': () => good({ aud: [CLIENT, 'client-2'], azp: 'client-2' }),
    'that has expired': () => good({ exp: world.now() - 31 }),
    'without an end': () => signed(ec, without('exp')),
    'without a beginning': () => signed(ec, without('iat')),
    'that begins later': () => good({ nbf: world.now() + 60 }),
    'that was issued in the future': () => good({ iat: world.now() + 60 }),
    'without a subject': () => signed(ec, without('sub')),
    'with a very long subject': () => good({ sub: 's'.repeat(257) }),
    'that is an access token': () => good({}, { typ: 'at+jwt' }),
    'that is a logout token': () =>
      good({ events: { 'http://schemas.openid.net/event/backchannel-logout': {} } }),
    'with an extension that must be understood': () => good({}, { crit: ['x'], x: 1 }),
    'that is no token': () => 'x.y.z',
  };

  it.each(Object.keys(attacks))('%s', async title => {
    const refused = await trade((await attacks[title]?.()) ?? '');
    expect([refused.status, refused.errors[0]?.description], refused.text).toEqual([
      401,
      'the identity token was refused; get a new one from the issuer that is set up here, for the audience that is set up here',
    ]);
    expect(world.plane.errors).toEqual([]);
    expect(world.issuers.asked.filter(path => path.startsWith('/evil'))).toEqual([]);
  });

  it('in the same words for a provider that is not there', async () => {
    const [unknown, bad] = [await trade(await good(), {}, 'none'), await trade(await good({ aud: 'x' }))];
    expect(unknown.status).toBe(401);
    expect(unknown.errors[0]?.description).toBe(bad.errors[0]?.description);
  });

  it('and a very long one with 422', async () => {
    expect((await trade('x'.repeat(16_385))).status).toBe(422);
  });
});

describe('an issuer', () => {
  const waiting = 'the identity provider could not be asked for its keys; try again in a minute';
  const trouble = async (path: string, endpoint = `${world.issuers.origin}${path}`) => {
    const name = path.slice(1);
    const made = await provider(name, { endpoint });
    expect(made.status, made.text).toBe(200);
    return trade(await good({ iss: endpoint }), {}, name);
  };

  it.each([
    ['redirects discovery', '/redirect', 'configuration'],
    ['redirects its keys', '/redirect-keys', 'keys'],
  ])('that %s is not followed', async (_, path, what) => {
    world.issuers.issuer(path, [ec.jwk]);
    const page = what === 'keys' ? `${path}/keys` : `${path}/.well-known/openid-configuration`;
    world.issuers.pages.set(
      page,
      (_request, response) => void response.writeHead(302, { location: `${issuer}/keys` }).end(),
    );
    const refused = await trouble(path);
    expect([refused.status, refused.errors[0]?.description]).toEqual([503, waiting]);
  });

  it('that names another issuer is not believed', async () => {
    world.issuers.issuer('/liar', [ec.jwk], { issuer });
    expect((await trouble('/liar')).status).toBe(503);
  });

  it.each([
    ['whose answer is too long', '/long', () => ({ keys: [ec.jwk], more: 'x'.repeat(300 * 1024) })],
    ['whose answer is something else', '/other', () => ({ keys: 'none' })],
  ])('%s is not believed', async (_, path, answer) => {
    world.issuers.issuer(path, [ec.jwk]);
    world.issuers.pages.set(`${path}/keys`, answer());
    expect((await trouble(path)).status).toBe(503);
  });

  it.each([
    ['that sends its keys to an address inside', 'https://127.0.0.1:1/keys'],
    ['that sends its keys to the metadata service', 'http://169.254.169.254/latest/'],
    ['that sends its keys to a file', 'file:///etc/passwd'],
    ['that sends its keys to plain http', 'http://keys.example.com/'],
  ])('%s is not obeyed', async (title, jwks_uri) => {
    const path = `/${title.split(' ').at(-1)}`;
    world.issuers.issuer(path, [ec.jwk], { jwks_uri });
    expect((await trouble(path)).status).toBe(503);
    expect(world.plane.log.at(-1)?.fields.reason).toMatch(/is not asked/);
  });

  it.each([
    ['in the private network', 'https://10.0.0.1'],
    ['of this machine', 'https://127.0.0.1:9'],
    ['of the metadata service', 'https://169.254.169.254'],
    ['of this machine, in IPv6', 'https://[::1]'],
    ['of this machine, as a number', 'https://2130706433'],
    ['of this machine, in IPv6 clothes', 'https://[::ffff:127.0.0.1]'],
    ['of this machine, by name', 'https://localhost:9'],
    ['on loopback that nobody allowed', 'http://127.0.0.1:9'],
  ])('with an address %s is not asked', async (_, endpoint) => {
    const refused = await trouble(`/inside-${endpoint.replace(/\W/g, '-')}`, endpoint);
    expect([refused.status, refused.errors[0]?.description]).toEqual([503, waiting]);
    expect(world.plane.log.at(-1)?.fields.reason).toMatch(/is not asked/);
  });

  it.each([
    'http://login.example.com',
    'https://a@b.example',
    'https://a.example/?x',
    'ftp://a.example',
    'x',
  ])('written %s is refused when it is set up', async endpoint => {
    const refused = await provider('bad', { endpoint });
    expect([refused.status, refused.errors[0]?.data?.attribute]).toEqual([422, 'endpoint']);
  });

  it('that never answers is waited for so long and no longer, and then left alone for 10 seconds', async () => {
    const path = '/slow';
    const endpoint = world.issuers.issuer(path, [ec.jwk]);
    world.issuers.pages.set(`${path}/keys`, (_request, response) => void response.writeHead(200).write('{'));
    const asks = () => world.issuers.asked.filter(it => it === `${path}/keys`).length;
    const again = async () => (await trade(await good({ iss: endpoint }), {}, 'slow')).status;
    expect((await trouble(path)).status).toBe(503);
    expect(world.plane.log.at(-1)?.fields.reason).toBe(
      `${world.issuers.origin} did not answer within 500 ms`,
    );
    expect([await again(), asks()]).toEqual([503, 1]);
    world.issuers.issuer(path, [ec.jwk]);
    world.plane.clock.advance(11_000);
    expect(await again()).toBe(200);
  });

  it('is asked once by many, and again for an unknown kid no more often than every 30 seconds', async () => {
    const path = '/turning';
    const next = await makeKey('next', 'ES256');
    const endpoint = world.issuers.issuer(path, [ec.jwk]);
    await provider('turning', { endpoint });
    const asks = () => world.issuers.asked.filter(it => it === `${path}/keys`).length;
    const send = async (key: SigningKey) =>
      (await trade(await signed(key, claims({ iss: endpoint })), {}, 'turning')).status;
    expect(await Promise.all(Array.from({ length: 10 }, () => send(ec)))).toEqual(Array(10).fill(200));
    expect(asks()).toBe(1);
    world.issuers.issuer(path, [ec.jwk, next.jwk]);
    expect(await Promise.all(Array.from({ length: 10 }, () => send(next)))).toEqual(Array(10).fill(401));
    expect(asks()).toBe(1);
    world.plane.clock.advance(31_000);
    expect(await Promise.all(Array.from({ length: 10 }, () => send(next)))).toEqual(Array(10).fill(200));
    expect(asks()).toBe(2);
    world.issuers.issuer(path, [next.jwk]);
    world.plane.clock.advance(901_000);
    expect(await send(ec)).toBe(401);
  });
});

describe('a provider’s client secret', () => {
  it('is taken and kept nowhere', async () => {
    const { object } = await provider('secretive', { clientSecret: 'hush-hush' });
    const one = `/oidcproviders/${object.ID}` as const;
    await world.plane.root(`PATCH ${one}`, tenant, { body: { clientSecret: 'hush-hush-2' } });
    const { text } = await world.plane.root(`GET ${one}`, tenant);
    expect(text).not.toContain('hush-hush');
    const stored = await world.plane.deps.store.list('oidcprovider', tenant as never, { limit: 100 });
    expect(JSON.stringify(stored)).not.toContain('hush-hush');
  });

  it('makes no import of it a change', async () => {
    const data = {
      oidcproviders: [{ name: 'imported', endpoint: issuer, clientID: CLIENT, clientSecret: 'hush' }],
    };
    const load = async () =>
      JSON.parse(
        (await world.plane.root('POST /import', tenant, { body: { data: { label: 'l', data } } })).text,
      );
    expect(await load()).toMatchObject({ created: 1 });
    expect(await load()).toMatchObject({ created: 0, unchanged: 1 });
  });
});

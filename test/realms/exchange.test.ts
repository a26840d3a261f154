import { decodeJwt, type JWTPayload } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { signToken } from '../../functions/token-keys.ts';
import { Issue } from '../../shared/api/messages.ts';
import { API_URL, assertion } from '../make/plane.ts';
import { openWorld, type World } from './world.ts';

let world: World;
let tenant: string;
let child: string;
beforeAll(async () => {
  world = await openWorld();
  tenant = await world.plane.tenant();
  child = await world.plane.namespace(tenant, 'child');
});
afterAll(() => world.stop());

/** A token of a new credential. */
const first = async (more: object = {}, roles = ['namespace.administrator'], query = '') => {
  const credential = await world.plane.credential(tenant, roles);
  const metadata = { token: await assertion(credential, world.plane.clock.now()) };
  return world.issue({ realm: 'Certificate', metadata, ...more }, query);
};
const token = async (more: object = {}, roles?: string[]) => world.token(await first(more, roles));
const trade = (original: string, more: object = {}) =>
  world.issue({ realm: 'AporetoIdentityToken', metadata: { token: original }, ...more });
const status = async (bearer: string, namespace = tenant, address = '192.0.2.1', line = 'namespaces') =>
  (await world.plane.caller(bearer)(`GET /${line}`, namespace, { address })).status;

describe('a token that is asked to do less', () => {
  it('is of use in its namespace and below only', async () => {
    const restrictedToken = await token({ restrictedNamespace: child });
    expect([await status(restrictedToken), await status(restrictedToken, child)]).toEqual([403, 200]);
  });

  it('has no more than the permissions that it names, and grants no more', async () => {
    const bearer = await token({ restrictedPermissions: ['namespace,get', 'appcredential,get,post'] });
    const caller = world.plane.caller(bearer);
    expect((await caller('GET /namespaces', tenant)).status).toBe(200);
    const refused = await caller('POST /namespaces', tenant, { body: { name: 'x' } });
    expect([refused.status, refused.errors[0]?.description]).toEqual([
      403,
      expect.stringContaining('the token is restricted'),
    ]);
    const body = { name: 'x', roles: ['@auth:role=namespace.administrator'] };
    expect((await caller('POST /appcredentials', tenant, { body })).status).toBe(403);
  });

  it('is useless, without an error, when it asks for what its caller lacks', async () => {
    const bearer = await token({ restrictedPermissions: ['@auth:role=enforcer'] }, ['ruleset.administrator']);
    expect(await status(bearer, tenant, '192.0.2.1', 'networkrulesetpolicies')).toBe(403);
    expect(await status(await token({ restrictedNamespace: '/elsewhere' }))).toBe(403);
  });

  it('is of use from its networks only', async () => {
    const bearer = await token({ restrictedNetworks: ['198.51.100.0/24', '!198.51.100.7'] });
    const from = (address: string) => status(bearer, tenant, address);
    expect([await from('198.51.100.1'), await from('198.51.100.7'), await from('192.0.2.1')]).toEqual([
      200, 403, 403,
    ]);
  });

  it('is refused with 422 when a part is written wrong', async () => {
    for (const [attribute, value] of [
      ['restrictedNamespace', 'a'],
      ['restrictedPermissions', ['x']],
      ['restrictedNetworks', ['300.0.0.0/8']],
      ['quota', -1],
      ['quota', 1.5],
      ['opaque', { a: 1 }],
      ['audience', 7],
      ['validity', '-1h'],
    ] as const) {
      const refused = await first({ [attribute]: value });
      expect(refused.status, attribute).toBe(422);
      expect(String(refused.errors[0]?.data?.attribute)).toMatch(new RegExp(`^${attribute}`));
    }
  });
});

describe('a token of this API', () => {
  it('is traded for one of the same caller that ends no later', async () => {
    const original = await token({ validity: '10m', opaque: { ticket: '1' } });
    world.plane.clock.advance(240_000);
    const answered = await trade(original, { validity: '1h', opaque: { ticket: '2', more: '3' } });
    const [before, after] = [decodeJwt(original), decodeJwt(world.token(answered))];
    expect(after.exp).toBe(before.exp);
    const { sub, realm, namespace, data } = before;
    expect(after).toMatchObject({ sub, realm, namespace, data, opaque: { ticket: '1', more: '3' } });
    expect(after.jti).not.toBe(before.jti);
    expect(decodeJwt(world.token(await trade(original, { validity: '1m' }))).exp).toBe((after.iat ?? 0) + 60);
  });

  it('keeps its restrictions when it is traded, and gains nothing by asking', async () => {
    const original = await token({
      restrictedNamespace: child,
      restrictedPermissions: ['namespace,get'],
      restrictedNetworks: ['192.0.2.0/24'],
    });
    const plain = world.token(await trade(original));
    expect([await status(plain), await status(plain, child)]).toEqual([403, 200]);
    const greedy = world.token(
      await trade(original, {
        restrictedNamespace: '/',
        restrictedPermissions: ['@auth:role=namespace.administrator'],
        restrictedNetworks: ['0.0.0.0/0'],
      }),
    );
    expect(decodeJwt(greedy).restrictions).toEqual({
      namespace: child,
      perms: ['namespace,get'],
      networks: ['192.0.2.0/24'],
    });
    expect(await status(world.token(await trade(original, { restrictedNamespace: '/other' })), child)).toBe(
      403,
    );
    expect(await status(greedy, child, '198.51.100.1')).toBe(403);
  });

  it('stops working with its credential, however often it was traded', async () => {
    const credential = await world.plane.credential(tenant, ['namespace.viewer']);
    const metadata = { token: await assertion(credential, world.plane.clock.now()) };
    const original = world.token(await world.issue({ realm: 'Certificate', metadata }));
    const traded = world.token(await trade(world.token(await trade(original))));
    expect(await status(traded)).toBe(200);
    await world.plane.root(`DELETE /appcredentials/${credential.ID}`, tenant);
    expect(await status(traded)).toBe(401);
  });

  it('is not traded when it is forged, expired, for others, or no token of ours', async () => {
    const short = await token({ validity: '1s' });
    world.plane.clock.advance(2000);
    const credential = await world.plane.credential(tenant, ['namespace.viewer']);
    const { object } = await world.plane.root('POST /enforcers', tenant, { body: { name: 'h', FQDN: 'h' } });
    const bundle = await world.plane.root(`POST /enforcers/${object.ID}/credentials`, tenant);
    const good = await token();
    for (const bad of [
      short,
      `${good.slice(0, -4)}AAAA`,
      await token({ audience: 'https://other.test' }),
      await assertion(credential, world.plane.clock.now()),
      JSON.parse(bundle.text).sessionToken,
      'x',
    ]) {
      expect((await trade(bad)).status).toBe(401);
    }
  });

  it('for another audience is taken there and not here', async () => {
    const bearer = await token({ audience: 'https://other.test' });
    expect(decodeJwt(bearer).aud).toBe('https://other.test');
    expect(await status(bearer)).toBe(401);
  });

  it('says nothing to policies by what is opaque in it', async () => {
    const bearer = await token({ opaque: { role: 'x', 'realm=certificate': 'y' } });
    const { activities } = world.plane.deps.store;
    await world.plane.caller(bearer)('POST /externalnetworks', tenant, {
      body: { name: 'n', entries: ['192.0.2.0/24'] },
    });
    const [last] = (await activities(tenant as never, { limit: 1 })).items;
    expect(last?.claims.filter(claim => /role|=y/.test(claim))).toEqual([]);
  });

  it('cannot say its realm by its data, even if it was signed so', async () => {
    const { sub, namespace } = decodeJwt(await token()) as JWTPayload & { namespace: string };
    const now = world.now();
    const data = { Realm: 'oidc', SUBJECT: 'x', Namespace: '/', ok: 'y' };
    const claims = {
      iss: API_URL,
      aud: API_URL,
      sub,
      namespace,
      realm: 'certificate',
      data,
      iat: now,
      exp: now + 60,
    };
    const bearer = await signToken(claims, world.plane.deps.tokenKeys);
    await world.plane.caller(bearer)('POST /externalnetworks', tenant, {
      body: { name: 'm', entries: ['192.0.2.0/24'] },
    });
    const [last] = (await world.plane.deps.store.activities(tenant as never, { limit: 1 })).items;
    expect(last?.claims).toEqual(['@auth:ok=y', '@auth:realm=certificate', `@auth:subject=${sub}`]);
  });

  it('that would be too long is refused with 413', async () => {
    const opaque = Object.fromEntries(Array.from({ length: 10 }, (_, at) => [`k${at}`, 'x'.repeat(1000)]));
    expect((await first({ opaque })).status).toBe(413);
  });
});

describe('a token with a quota', () => {
  it('is used so often and then refused with 417', async () => {
    const answered = await first({ quota: 3 });
    expect(Issue.parse(JSON.parse(answered.text)).quota).toBe(3);
    const bearer = world.token(answered);
    const uses = [];
    for (let use = 0; use < 5; use += 1) uses.push(await status(bearer));
    expect(uses).toEqual([200, 200, 200, 417, 417]);
    const refused = await world.plane.caller(bearer)('GET /namespaces', tenant);
    expect(refused.errors[0]).toMatchObject({
      code: 417,
      title: 'Token Quota Exhausted',
      description: 'the token was made for 3 uses, and they are used up; get a new one',
    });
  });

  it('of 10 lets 10 of 50 requests at once through', async () => {
    const bearer = await token({ quota: 10 });
    const answers = await Promise.all(Array.from({ length: 50 }, () => status(bearer)));
    expect(answers.sort()).toEqual([...Array(10).fill(200), ...Array(40).fill(417)]);
  });

  it('gives no more uses by being traded, by however many at once', async () => {
    const bearer = await token({ quota: 10 });
    const traded = await Promise.all(Array.from({ length: 20 }, () => trade(bearer, { quota: 100 })));
    const good = traded.filter(answer => answer.status === 200);
    expect(good).toHaveLength(10);
    expect(traded.filter(answer => answer.status === 417)).toHaveLength(10);
    expect(await status(world.token(good[0] ?? (await first())))).toBe(417);

    const second = await token({ quota: 5 });
    const part = await trade(second, { quota: 2 });
    expect(JSON.parse(part.text).quota).toBe(2);
    const rest = [];
    for (let use = 0; use < 3; use += 1) rest.push(await status(world.token(part)));
    expect(rest).toEqual([200, 200, 417]);
    const own = [];
    for (let use = 0; use < 3; use += 1) own.push(await status(second));
    expect(own).toEqual([200, 200, 417]);
  });
});

describe('a token as a cookie', () => {
  it('is out of reach of scripts, and works', async () => {
    const credential = await world.plane.credential(tenant, ['namespace.viewer']);
    const metadata = { token: await assertion(credential, world.plane.clock.now()) };
    const answered = await world.issue({ realm: 'Certificate', metadata, validity: '1h' }, '?asCookie=true');
    const body = Issue.parse(JSON.parse(answered.text));
    expect(body.token).toBeUndefined();
    expect(body.claims).toMatchObject({ realm: 'certificate', sub: credential.ID });
    const [cookie = '', ...attributes] = (answered.cookies[0] ?? '').split('; ');
    expect(attributes).toEqual(['Max-Age=3600', 'Path=/', 'Secure', 'HttpOnly', 'SameSite=Strict']);
    const seen = await world.plane.call('GET /namespaces', { namespace: tenant, cookies: [cookie] });
    expect(seen.status).toBe(200);
  });

  it('is not one when it is asked not to be', async () => {
    const answered = await first({}, undefined, '?asCookie=false');
    expect([answered.cookies, typeof world.token(answered)]).toEqual([[], 'string']);
  });
});

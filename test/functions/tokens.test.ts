import { createHmac, createPrivateKey, createPublicKey, generateKeyPairSync, sign } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  createLocalJWKSet,
  decodeJwt,
  decodeProtectedHeader,
  exportJWK,
  type JWTPayload,
  jwtVerify,
} from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { signToken, type TokenKeys } from '../../functions/token-keys.ts';
import { EnforcerCredentials, Issue, Jwks } from '../../shared/api/messages.ts';
import type { Signer } from '../../shared/ports/signer.ts';
import { Credential } from '../../shared/schema/appcredential.ts';
import { NamespacePath } from '../../shared/schema/ids.ts';
import { caller } from '../make/call.ts';
import { makeSigner } from '../make/keys.ts';
import { API_URL, assertion, assertionClaims, openPlane, type Plane } from '../make/plane.ts';

let plane: Plane;
let tenant: string;
let credential: Credential;
beforeAll(async () => {
  plane = await openPlane();
  tenant = await plane.tenant();
  credential = await plane.credential(tenant, ['namespace.viewer']);
});
afterAll(() => plane.stop());

const issue = (token: string, more: object = {}, address?: string) =>
  plane.call('POST /issue', {
    body: { realm: 'AppCredential', metadata: { token }, ...more },
    ...(address === undefined ? {} : { address }),
  });
const tokenOf = async (asked: ReturnType<typeof issue>): Promise<string> =>
  Issue.parse(JSON.parse((await asked).text)).token ?? '';
const list = (token: string, namespace = tenant) => plane.caller(token)('GET /namespaces', namespace);
const good = (changed: object = {}, header: object = {}) =>
  assertion(credential, plane.clock.now(), { ...changed }, { ...header });
const seconds = () => Math.floor(plane.clock.now().getTime() / 1000);

/** A token with any header, signed with anything. */
const forged = (header: object, claims: object, signature: (text: string) => string): string => {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const text = `${part(header)}.${part(claims)}`;
  return `${text}.${signature(text)}`;
};
const claims = () => assertionClaims(credential, plane.clock.now());
const certificate = () => Buffer.from(credential.certificate, 'base64').toString();
const publicPem = () => createPublicKey(certificate()).export({ type: 'spki', format: 'pem' }).toString();
const ownKey = () => createPrivateKey(Buffer.from(credential.certificateKey, 'base64').toString());
const stranger = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const es256 = (key: ReturnType<typeof ownKey>) => (text: string) =>
  sign('sha256', Buffer.from(text), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url');

describe('a good assertion', () => {
  it('is traded for a token of the credential, whose key is published', async () => {
    const answered = await issue(await good());
    const { token = '', validity, realm } = Issue.parse(JSON.parse(answered.text));
    expect([answered.status, realm, validity]).toEqual([200, 'AppCredential', '86400s']);
    const { keys } = Jwks.parse(JSON.parse((await plane.call('GET /.well-known/jwks.json')).text));
    const { payload, protectedHeader } = await jwtVerify(token, createLocalJWKSet({ keys: keys as [] }), {
      currentDate: plane.clock.now(),
      issuer: API_URL,
      audience: API_URL,
    });
    expect(protectedHeader).toEqual({ alg: 'ES256', typ: 'JWT', kid: keys[0]?.kid });
    expect(payload).toMatchObject({
      sub: credential.ID,
      namespace: tenant,
      realm: 'certificate',
      data: { commonName: `app:credential:${credential.ID}:member`, organization: tenant },
    });
    expect((await list(token)).status).toBe(200);
  });

  it.each([
    ['1h', '3600s'],
    ['90s', '90s'],
    ['1ns', '1s'],
    ['1.5h', '5400s'],
    ['48h', '86400s'],
    [`${'9'.repeat(400)}h`, '86400s'],
    ['0', '86400s'],
  ])('that asks for %s gets %s', async (validity, given) => {
    const answered = Issue.parse(JSON.parse((await issue(await good(), { validity })).text));
    const { iat = 0, exp = 0 } = decodeJwt(answered.token ?? '');
    expect([answered.validity, `${exp - iat}s`]).toEqual([given, given]);
  });

  it('gets no longer a token than its credential allows', async () => {
    const short = await plane.credential(tenant, ['namespace.viewer'], { maxIssuedTokenValidity: '10m' });
    const token = await tokenOf(issue(await assertion(short, plane.clock.now()), { validity: '1h' }));
    const { iat = 0, exp = 0 } = decodeJwt(token);
    expect(exp - iat).toBe(600);
    expect((await list(token)).status).toBe(200);
    plane.clock.advance(600_000);
    expect((await list(token)).status).toBe(401);
  });

  it('may be for several audiences, be a little early, and last five minutes', async () => {
    expect((await issue(await good({ aud: ['https://other.test', API_URL] }))).status).toBe(200);
    expect((await issue(await good({ iat: seconds() + 20, exp: seconds() + 80 }))).status).toBe(200);
    expect((await issue(await good({ exp: seconds() + 300 }))).status).toBe(200);
  });

  it('is worth nothing a second time, also not to the fastest of twenty', async () => {
    const token = await good();
    const statuses = (await Promise.all(Array.from({ length: 20 }, () => issue(token)))).map(it => it.status);
    expect(statuses.sort()).toEqual([200, ...Array(19).fill(401)]);
    plane.clock.advance(59_000);
    expect((await issue(token)).status).toBe(401);
  });

  it('is worth nothing again as long as its clock skew lets it live', async () => {
    const token = await good({ iat: seconds() + 30, exp: seconds() + 330 });
    expect((await issue(token)).status).toBe(200);
    for (let waited = 0; waited < 400; waited += 20) {
      plane.clock.advance(20_000);
      expect((await issue(token)).status).toBe(401);
    }
  });
});

describe('an assertion is refused, always in the same words,', () => {
  const bad: Record<string, () => string | Promise<string>> = {
    'signed with another key': () => forged({ alg: 'ES256' }, claims(), es256(stranger.privateKey)),
    'with alg none': () => forged({ alg: 'none' }, claims(), () => ''),
    'with HS256 and the public key as secret': () =>
      forged({ alg: 'HS256' }, claims(), text =>
        createHmac('sha256', publicPem()).update(text).digest('base64url'),
      ),
    'with HS256 and the certificate as secret': () =>
      forged({ alg: 'HS256' }, claims(), text =>
        createHmac('sha256', certificate()).update(text).digest('base64url'),
      ),
    'with RS256': () =>
      forged({ alg: 'RS256' }, claims(), text =>
        sign(
          'sha256',
          Buffer.from(text),
          generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey,
        ).toString('base64url'),
      ),
    'with ES384 over the right key': () => forged({ alg: 'ES384' }, claims(), es256(ownKey())),
    'with a DER signature': () =>
      forged({ alg: 'ES256' }, claims(), text =>
        sign('sha256', Buffer.from(text), ownKey()).toString('base64url'),
      ),
    'with a signature of zeros': () =>
      forged({ alg: 'ES256' }, claims(), () => Buffer.alloc(64).toString('base64url')),
    'with a key of its own in jwk': async () => {
      const jwk = await exportJWK(stranger.publicKey);
      return forged({ alg: 'ES256', jwk }, claims(), es256(stranger.privateKey));
    },
    'with a key of its own behind jku, x5u and kid': () =>
      forged(
        {
          alg: 'ES256',
          jku: 'https://evil.test/jwks',
          x5u: 'https://evil.test/x5u',
          kid: '../../etc/passwd',
        },
        claims(),
        es256(stranger.privateKey),
      ),
    'with a certificate of its own in x5c': () =>
      forged({ alg: 'ES256', x5c: [credential.certificate] }, claims(), es256(stranger.privateKey)),
    'with a critical header that nobody knows': () =>
      forged({ alg: 'ES256', crit: ['quota'], quota: 1 }, claims(), es256(ownKey())),
    'whose payload was changed': async () => {
      const [header, , signature] = (await good()).split('.');
      const payload = Buffer.from(JSON.stringify({ ...claims(), exp: seconds() + 299 })).toString(
        'base64url',
      );
      return `${header}.${payload}.${signature}`;
    },
    'that has expired': () => good({ iat: seconds() - 120, exp: seconds() - 60 }),
    'that was made long ago': () => good({ iat: seconds() - 400, exp: seconds() + 60 }),
    'from the future': () => good({ iat: seconds() + 120, exp: seconds() + 180 }),
    'that is not valid yet': () => good({ nbf: seconds() + 120 }),
    'that lives six minutes': () => good({ exp: seconds() + 360 }),
    'that ends before it begins': () => good({ iat: seconds(), exp: seconds() - 40 }),
    'without exp': () => good({ exp: undefined }),
    'without iat': () => good({ iat: undefined }),
    'without jti': () => good({ jti: undefined }),
    'with a short jti': () => good({ jti: 'abc' }),
    'with a long jti': () => good({ jti: 'x'.repeat(257) }),
    'with a number as jti': () => good({ jti: 1_234_567_890 }),
    'with an object as jti': () => good({ jti: { toString: 1, valueOf: 1 } }),
    'with a text as exp': () => good({ exp: String(seconds() + 60) }),
    'whose iss is not its sub': () => good({ iss: '0190f3a1b2c3d4e5f6071829' }),
    'whose sub is unknown': () => good({ iss: '0190f3a1b2c3d4e5f6071829', sub: '0190f3a1b2c3d4e5f6071829' }),
    'whose sub is no ID': () => good({ iss: `${tenant}/x`, sub: `${tenant}/x` }),
    'without a namespace': () => good({ namespace: undefined }),
    'with another namespace': () => good({ namespace: '/' }),
    'with a namespace that is no path': () => good({ namespace: `${tenant}/../x` }),
    'for another audience': () => good({ aud: 'https://other.test' }),
    'for the audience with a slash behind it': () => good({ aud: `${API_URL}/` }),
    'without an audience': () => good({ aud: undefined }),
    'that is no token': () => 'x.y.z',
    'that is empty': () => '',
    'that is a token of this API': async () => tokenOf(issue(await good())),
  };

  it.each(Object.keys(bad))('%s', async title => {
    const refused = await issue((await bad[title]?.()) ?? '');
    expect([refused.status, refused.errors[0]?.title], refused.text).toEqual([401, 'Unauthorized']);
    expect(refused.errors[0]?.description).toMatch(/^the assertion was refused; sign it with ES256/);
    expect(refused.errors).toHaveLength(1);
    expect(plane.errors).toEqual([]);
  });

  it('and a header that claims keys is ignored when the signature is right', async () => {
    const jwk = await exportJWK(stranger.publicKey);
    expect((await issue(await good({}, { jwk, jku: 'https://evil.test', kid: 'x' }))).status).toBe(200);
  });

  it('from outside the subnets of the credential', async () => {
    const office = await plane.credential(tenant, ['namespace.viewer'], {
      authorizedSubnets: ['192.0.2.0/24', '!192.0.2.128/25', '2001:db8::/32', '203.0.113.7'],
    });
    const from = async (address: string) =>
      (await issue(await assertion(office, plane.clock.now()), {}, address)).status;
    expect(await from('192.0.2.10')).toBe(200);
    expect(await from('::ffff:192.0.2.10')).toBe(200);
    expect(await from('2001:db8::1')).toBe(200);
    expect(await from('203.0.113.7')).toBe(200);
    for (const address of ['198.51.100.1', '192.0.2.200', '2001:db9::1', '', 'unknown']) {
      expect(await from(address)).toBe(401);
    }
  });

  it('by a body of another shape, with 422', async () => {
    const bodies = [
      [{ realm: 'AppCredential' }, 'metadata.token'],
      [{ realm: 'Vince', metadata: { token: 'x' } }, 'realm'],
      [{ realm: 'AppCredential', metadata: { token: 'x'.repeat(4097) } }, 'metadata.token'],
      [{ realm: 'AppCredential', metadata: { token: 'x' }, validity: 'soon' }, 'validity'],
      [{ realm: 'AppCredential', metadata: { token: 'x' }, namespace: '/' }, 'namespace'],
    ] as const;
    for (const [body, attribute] of bodies) {
      const refused = await plane.call('POST /issue', { body });
      expect([refused.status, refused.errors[0]?.data?.attribute]).toEqual([422, attribute]);
    }
  });
});

describe('a token stops working within one request', () => {
  const fresh = async (more: object = {}) => {
    const made = await plane.credential(tenant, ['namespace.viewer'], more);
    const token = await tokenOf(issue(await assertion(made, plane.clock.now())));
    expect((await list(token)).status).toBe(200);
    return { made, token, one: `/appcredentials/${made.ID}` as const };
  };
  const revoked = async (made: Credential, token: string) => {
    const refused = await list(token);
    expect([refused.status, refused.errors[0]?.description]).toEqual([
      401,
      'the credential behind the token was revoked or may not be used from here',
    ]);
    expect((await issue(await assertion(made, plane.clock.now()))).status).toBe(401);
  };

  it('after its credential is disabled, and works again after it is enabled', async () => {
    const { made, token, one } = await fresh();
    await plane.root(`PATCH ${one}`, tenant, { body: { disabled: true } });
    await revoked(made, token);
    await plane.root(`PATCH ${one}`, tenant, { body: { disabled: false } });
    expect((await list(token)).status).toBe(200);
  });

  it('after its credential is deleted', async () => {
    const { made, token, one } = await fresh();
    await plane.root(`DELETE ${one}`, tenant);
    await revoked(made, token);
  });

  it('after its roles are taken away', async () => {
    const { token, one } = await fresh();
    await plane.root(`PATCH ${one}`, tenant, { body: { roles: ['@auth:role=enforcer'] } });
    expect((await plane.caller(token)('GET /externalnetworks', tenant)).status).toBe(403);
  });

  it('from outside the subnets of its credential', async () => {
    const { token, one } = await fresh();
    await plane.root(`PATCH ${one}`, tenant, { body: { authorizedSubnets: ['198.51.100.0/24'] } });
    expect((await list(token)).status).toBe(401);
    const inside = await plane.caller(token)('GET /namespaces', tenant, { address: '198.51.100.7' });
    expect(inside.status).toBe(200);
  });
});

const keysFrom = (signs: Signer, ...others: Signer[]): TokenKeys => ({ signs, verifies: [signs, ...others] });

describe('when the keys change', () => {
  const [first, second, third, fourth] = [makeSigner(), makeSigner(), makeSigner(), makeSigner()];
  const generations = [
    { signs: first, verifies: [first, second] },
    { signs: second, verifies: [first, second, third] },
    { signs: third, verifies: [second, third, fourth] },
  ] satisfies TokenKeys[];
  const at = (generation: number): Plane['call'] =>
    caller(() => ({ ...plane.deps, tokenKeys: generations[generation] as TokenKeys }));
  const issuedAt = async (generation: number): Promise<string> => {
    const body = { realm: 'AppCredential', metadata: { token: await good() } };
    return Issue.parse(JSON.parse((await at(generation)('POST /issue', { body })).text)).token ?? '';
  };
  const statuses = async (token: string): Promise<number[]> => {
    const asked = generations.map((_, generation) =>
      at(generation)('GET /namespaces', { namespace: tenant, token }),
    );
    return (await Promise.all(asked)).map(({ status }) => status);
  };

  it('a token is good until the change after the next, and where the change has not been heard of', async () => {
    expect(await statuses(await issuedAt(0))).toEqual([200, 200, 401]);
    expect(await statuses(await issuedAt(1))).toEqual([200, 200, 200]);
    expect(await statuses(await issuedAt(2))).toEqual([401, 200, 200]);
  });

  it('what was verified with a key is not remembered beyond it', async () => {
    const token = await issuedAt(0);
    expect(await statuses(token)).toEqual([200, 200, 401]);
    expect(await statuses(token)).toEqual([200, 200, 401]);
  });

  it('each key is published under its own name, a generation before it signs', async () => {
    const published = await Promise.all(
      generations.map(async (_, generation) => {
        const { keys } = Jwks.parse(JSON.parse((await at(generation)('GET /.well-known/jwks.json')).text));
        return keys.map(({ kid }) => kid);
      }),
    );
    const { kid } = decodeProtectedHeader(await issuedAt(1));
    expect(published.map(kids => kids.indexOf(kid))).toEqual([1, 1, 0]);
    expect(published.map(kids => new Set(kids).size)).toEqual([2, 3, 3]);
  });
});

describe('a request is refused with 401', () => {
  const own = (changed: JWTPayload | Record<string, unknown> = {}, keys = plane.deps.tokenKeys) =>
    signToken(
      {
        iss: API_URL,
        aud: API_URL,
        sub: credential.ID,
        iat: seconds(),
        exp: seconds() + 60,
        realm: 'certificate',
        namespace: tenant,
        data: {},
        ...changed,
      },
      keys,
    );

  it('only when it should be', async () => {
    expect((await list(await own())).status).toBe(200);
  });

  const bad: Record<string, () => string | Promise<string>> = {
    'for a token of another issuer': () => own({ iss: 'https://other.test' }),
    'for a token for another audience': () => own({ aud: 'bundles' }),
    'for a token that has expired': () => own({ exp: seconds() - 1 }),
    'for a token without an end': () => own({ exp: undefined }),
    'for a token without a beginning': () => own({ iat: undefined }),
    'for a token of another realm': () => own({ realm: 'system' }),
    'for a token of a credential that is not there': () => own({ sub: '0190f3a1b2c3d4e5f6071829' }),
    'for a token of a credential that lives elsewhere': () => own({ namespace: '/' }),
    'for a token whose namespace is no path': () => own({ namespace: `${tenant}/` }),
    'for a token of more than 8192 characters': () => own({ data: { x: 'x'.repeat(8192) } }),
    'for a token with alg none': async () => {
      const [, payload] = (await own()).split('.');
      return `${Buffer.from('{"alg":"none"}').toString('base64url')}.${payload}.`;
    },
    "for a token with HS256 and the API's public key as secret": async () =>
      forged({ alg: 'HS256' }, decodeJwt(await own()), text =>
        createHmac('sha256', plane.tokenPem).update(text).digest('base64url'),
      ),
    'for a token that a stranger signed': async () =>
      forged({ alg: 'ES256' }, decodeJwt(await own()), es256(stranger.privateKey)),
    'for a token that a stranger signed under the name of our key': async () => {
      const { kid } = decodeProtectedHeader(await own());
      return forged({ alg: 'ES256', kid }, decodeJwt(await own()), es256(stranger.privateKey));
    },
    'for a token that brings its own key': async () =>
      forged(
        { alg: 'ES256', jwk: await exportJWK(stranger.publicKey) },
        decodeJwt(await own()),
        es256(stranger.privateKey),
      ),
    'for a token of a key that is no longer believed': () => own({}, keysFrom(makeSigner())),
    'for an assertion instead of a token': () => good(),
    'for the session token of a bundle': async () => {
      const { object } = await plane.root('POST /enforcers', tenant, { body: { name: 'h', FQDN: 'h' } });
      const { text } = await plane.root(`POST /enforcers/${object.ID}/credentials`, tenant);
      return EnforcerCredentials.parse(JSON.parse(text)).sessionToken;
    },
    'without a token': () => '',
    'for spaces in the token': () => 'a b',
  };

  it.each(Object.keys(bad))('%s', async title => {
    const refused = await list((await bad[title]?.()) ?? '');
    expect([refused.status, refused.errors[0]?.title], refused.text).toEqual([401, 'Unauthorized']);
    expect(plane.errors).toEqual([]);
  });

  it('for another scheme than Bearer, or for no header at all', async () => {
    const token = await own();
    const send = async (headers: Record<string, string>, cookies: string[] = []) =>
      (await plane.call('GET /namespaces', { namespace: tenant, headers, cookies })).status;
    expect(await send({})).toBe(401);
    expect(await send({ authorization: `Basic ${token}` })).toBe(401);
    expect(await send({ authorization: `Bearer ${token}, Bearer ${token}` })).toBe(401);
    expect(await send({ authorization: `bearer ${token}` })).toBe(200);
    expect(await send({}, ['a=b', `x-aporeto-token=${token}`])).toBe(200);
    expect(await send({ authorization: 'Bearer x' }, [`x-aporeto-token=${token}`])).toBe(401);
    expect(await send({}, [`x-aporeto-token=${'x'.repeat(9000)}`])).toBe(401);
  });
});

describe('the private key of a credential', () => {
  it('is in the answer to its create, and in no other answer, the activity, the log or any file', async () => {
    const { object } = await plane.root('POST /appcredentials', tenant, {
      body: { name: 'secret', roles: ['@auth:role=enforcer'] },
    });
    const { certificateKey, ...open } = Credential.parse(object.credentials);
    const one = `/appcredentials/${object.ID}` as const;
    expect(createPrivateKey(Buffer.from(certificateKey, 'base64').toString()).asymmetricKeyType).toBe('ec');
    expect(open).toMatchObject({ ID: object.ID, name: 'secret', namespace: tenant, APIURL: API_URL });

    const answers = [
      await plane.root(`GET ${one}`, tenant),
      await plane.root('GET /appcredentials', tenant),
      await plane.root('GET /appcredentials?recursive&limit=100', '/'),
      await plane.root(`PATCH ${one}`, tenant, { body: { description: 'x' } }),
      await plane.root(`PUT ${one}`, tenant, { body: { ...object, credentials: undefined, updateTime: '' } }),
      await plane.root(`DELETE ${one}`, tenant),
    ];
    for (const { text } of answers) expect(text).not.toContain('certificateKey');

    // The key's own bytes, as text in any of the forms in which they could have been kept.
    const pem = Buffer.from(certificateKey, 'base64').toString();
    const der = pem.split('\n')[1] ?? '';
    const { items: activities } = await plane.deps.store.activities(NamespacePath.parse(tenant), {
      limit: 100,
    });
    const about = activities.filter(({ targetID }) => targetID === object.ID);
    expect(about.map(({ operation, error }) => (error ? `refused ${operation}` : operation))).toEqual([
      'delete',
      'refused update',
      'update',
      'create',
    ]);
    const kept = [
      JSON.stringify(activities),
      JSON.stringify(plane.log),
      ...readdirSync(plane.directory, { recursive: true, withFileTypes: true })
        .filter(entry => entry.isFile())
        .map(entry => readFileSync(join(entry.parentPath, entry.name), 'latin1')),
    ];
    expect(kept.some(text => text.includes(object.ID))).toBe(true);
    for (const text of kept) {
      for (const secret of ['certificateKey', 'PRIVATE KEY', certificateKey.slice(0, 60), der]) {
        expect(text).not.toContain(secret);
      }
    }
  });
});

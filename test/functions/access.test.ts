import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Caller, openPlane, type Plane } from '../make/plane.ts';

let plane: Plane;
let tenant: string;
let shop: string;
let admin: Caller;
let viewer: Caller;

beforeAll(async () => {
  plane = await openPlane();
  tenant = await plane.tenant();
  shop = await plane.namespace(tenant, 'shop');
  admin = await plane.member(tenant, ['namespace.administrator']);
  viewer = await plane.member(shop, ['namespace.viewer']);
});
afterAll(() => plane.stop());

const asked = async (by: Caller, path: `/${string}`, namespace: string, body: object) => {
  const { status, text } = await by(`POST ${path}`, namespace, { body });
  return { status, body: JSON.parse(text) };
};

describe('POST /authn', () => {
  it('tells whoever has a token what it says, and nobody what another one lacks', async () => {
    const credential = await plane.credential(shop, ['namespace.viewer']);
    const token = await plane.token(credential);
    const { text, status } = await plane.call('POST /authn', { body: { token } });
    expect(status, text).toBe(200);
    const { claims, tags } = JSON.parse(text);
    expect(claims).toMatchObject({ sub: credential.ID, realm: 'certificate' });
    expect(tags).toContain(`@auth:subject=${credential.ID}`);
    const forged = await plane.call('POST /authn', { body: { token: `${token.slice(0, -4)}AAAA` } });
    expect(forged.status).toBe(401);
  });
});

describe('POST /authz', () => {
  const claims = ['@auth:realm=oidc', '@auth:namespace=/x', '@auth:subject=someone'];

  it('tells what authorizations give to claims, from an address, under restrictions', async () => {
    const policy = {
      name: 'ops',
      subject: [claims],
      authorizedIdentities: ['externalnetwork,get,post', 'enforcer,get'],
      authorizedNamespace: shop,
      authorizedSubnets: ['192.0.2.0/24'],
    };
    expect((await admin('POST /apiauthorizationpolicies', tenant, { body: policy })).status).toBe(200);
    const question = { claims, targetNamespace: shop, clientIP: '192.0.2.7' };
    expect((await asked(admin, '/authz', tenant, question)).body).toEqual({
      permissions: { enforcer: { get: true }, externalnetwork: { get: true, post: true } },
    });
    expect((await asked(admin, '/authz', tenant, { ...question, clientIP: '198.51.100.7' })).body).toEqual({
      permissions: {},
    });
    const restricted = { ...question, restrictedPermissions: ['externalnetwork,get', 'namespace,delete'] };
    expect((await asked(admin, '/authz', tenant, restricted)).body).toEqual({
      permissions: { externalnetwork: { get: true } },
    });
    expect((await asked(admin, '/authz', tenant, { ...question, targetNamespace: tenant })).body).toEqual({
      permissions: {},
    });
  });

  it('keeps to the namespace and to who may ask', async () => {
    const question = { claims, targetNamespace: tenant };
    expect((await asked(admin, '/authz', shop, question)).status).toBe(422);
    expect((await asked(viewer, '/authz', shop, { ...question, targetNamespace: shop })).status).toBe(403);
  });
});

describe('POST /apichecks', () => {
  it('tells the caller what it may do, by any name of a resource', async () => {
    const question = {
      namespace: shop,
      operation: 'RetrieveMany',
      targetIdentities: ['extnet', 'networkrulesetpolicies', 'lint'],
    };
    expect((await asked(viewer, '/apichecks', shop, question)).body).toEqual({
      authorized: { extnet: true, networkrulesetpolicies: true, lint: true },
    });
    expect((await asked(viewer, '/apichecks', shop, { ...question, operation: 'Create' })).body).toEqual({
      authorized: { extnet: false, networkrulesetpolicies: false, lint: false },
    });
    const absent = { ...question, targetIdentities: ['automation', 'services', 'extnet'] };
    expect((await asked(admin, '/apichecks', shop, absent)).body).toEqual({
      authorized: { automation: false, services: false, extnet: true },
    });
    const { status, body } = await asked(viewer, '/apichecks', shop, {
      ...question,
      targetIdentities: ['no'],
    });
    expect([status, body[0].data.attribute]).toEqual([422, 'targetIdentities[0]']);
  });

  it('counts authorizations that live below', async () => {
    const credential = await plane.credential(tenant, ['compute.viewer']);
    const policy = {
      name: 'below',
      subject: [['@auth:realm=certificate', `@auth:subject=${credential.ID}`]],
      authorizedIdentities: ['@auth:role=namespace.administrator'],
      authorizedNamespace: shop,
    };
    expect((await admin('POST /apiauthorizationpolicies', shop, { body: policy })).status).toBe(200);
    const by = await plane.as(credential);
    const may = async (namespace: string) => {
      const question = { namespace, operation: 'Delete', targetIdentities: ['namespace'] };
      return (await asked(by, '/apichecks', tenant, question)).body.authorized.namespace;
    };
    expect([await may(tenant), await may(shop)]).toEqual([false, true]);
  });
});

describe('discovery mode', () => {
  const stateOf = async () => JSON.parse((await viewer('GET /discoverymode', shop)).text)[0].enabled;

  it('is switched by who may change the namespace in its parent, and only there', async () => {
    const here = await plane.member(shop, ['namespace.administrator']);
    expect(await stateOf()).toBe(false);
    const refused = await here('POST /discoverymode', shop);
    expect([refused.status, refused.errors[0]?.description]).toEqual([
      403,
      `you may not put namespace in ${tenant}, where ${shop} lives; ask an administrator of it`,
    ]);
    const done = await admin('POST /discoverymode', shop);
    expect([done.status, await stateOf()]).toEqual([200, true]);
    expect(done.headers['x-messages']).toContain('deprecated');
    expect((await admin('DELETE /discoverymode', shop)).status).toBe(200);
    expect(await stateOf()).toBe(false);
    const info = JSON.parse((await viewer('GET /namespaceinfo', shop)).text)[0];
    expect(info).toMatchObject({ PUIncomingTrafficAction: 'Reject', PUOutgoingTrafficAction: 'Reject' });
  });

  it('of a protected namespace is not switched, unless that is overridden', async () => {
    const { list } = await plane.root(`GET /namespaces?q=name==${shop}`, tenant);
    const one = `/namespaces/${(list[0] as { ID: string }).ID}` as const;
    await admin(`PATCH ${one}`, tenant, { body: { protected: true } });
    expect((await admin('POST /discoverymode', shop)).status).toBe(409);
    expect(await stateOf()).toBe(false);
    expect((await admin('POST /discoverymode?override', shop)).status).toBe(200);
    expect((await admin('DELETE /discoverymode?override', shop)).status).toBe(200);
    await admin(`PATCH ${one}`, tenant, { body: { protected: false } });
  });

  it('is nothing that the root has', async () => {
    expect((await plane.root('GET /discoverymode', '/')).status).toBe(400);
  });
});

describe('the version of enforcers', () => {
  const versionOf = async () => JSON.parse((await viewer('GET /defaultenforcerversion', shop)).text);
  const set = (by: Caller, defaultVersion: string, namespace = shop) =>
    by('POST /defaultenforcerversion', namespace, { body: { defaultVersion } });

  it('is set by who may change the namespace in its parent, for it and below', async () => {
    const done = await set(admin, 'v1.2.3');
    expect([done.status, JSON.parse(done.text)]).toEqual([200, { defaultVersion: 'v1.2.3' }]);
    expect(await versionOf()).toEqual([{ defaultVersion: 'v1.2.3' }]);
    expect((await set(admin, '1.2')).status).toBe(422);
    const here = await plane.member(shop, ['namespace.administrator']);
    expect((await set(here, '2.0.0')).status).toBe(403);
    expect((await set(viewer, '2.0.0')).status).toBe(403);
    expect((await set(plane.root, '2.0.0', '/')).status).toBe(400);
    expect(await versionOf()).toEqual([{ defaultVersion: 'v1.2.3' }]);
    expect(JSON.parse((await set(admin, '')).text)).toEqual({ defaultVersion: '' });
  });
});

describe('what the server says of itself', () => {
  it('is its name, its version and its paths', async () => {
    const got = async (path: `/${string}`) => JSON.parse((await plane.call(`GET ${path}`)).text);
    expect(await got('/_meta/name')).toEqual({ name: 'microseg' });
    expect(await got('/_meta/version')).toMatchObject({ api: 1 });
    expect(await got('/_meta/routes')).toContainEqual({
      URL: '/namespaces/{id}',
      verbs: ['DELETE', 'GET', 'PATCH', 'PUT'],
      private: false,
    });
  });
});

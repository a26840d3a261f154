import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Operation, routes } from '../../shared/api/routes.ts';
import { ROLES } from '../../shared/core/role-table.ts';
import { DEFAULT_TAG_PREFIXES } from '../../shared/schema/tag.ts';
import { type Caller, openPlane, type Plane } from '../make/plane.ts';

let plane: Plane;
let tenant: string;
let account: string;
let group: string;
let viewer: Caller;

beforeAll(async () => {
  plane = await openPlane();
  const made = async (parent: string, body: object) =>
    (await plane.root('POST /namespaces', parent, { body })).object.name;
  tenant = await made('/', {
    name: 'acme',
    type: 'Tenant',
    tagPrefixes: ['env='],
    defaultEnforcerVersion: 'v1.2.3',
  });
  account = await made(tenant, {
    name: 'aws-dev',
    type: 'CloudAccount',
    description: 'development',
    defaultPUIncomingTrafficAction: 'Allow',
    organizationalMetadata: ['@org:team=web'],
  });
  group = await made(account, {
    name: 'default',
    type: 'Group',
    tagPrefixes: ['cloud:aws:'],
    defaultPUOutgoingTrafficAction: 'Allow',
    protected: true,
  });
  await plane.tenant();
  viewer = await plane.member(tenant, ['compute.viewer']);
});
afterAll(() => plane.stop());

const sortedPrefixes = (...more: string[]) => [...DEFAULT_TAG_PREFIXES, ...more].sort();
const body = async (path: string, namespace: string): Promise<unknown> =>
  JSON.parse((await viewer(`GET ${path as `/${string}`}`, namespace)).text);

describe('what counts in a namespace', () => {
  it('is told with where it comes from', async () => {
    const [info] = (await body('/namespaceinfo', group)) as { effective: Record<string, unknown> }[];
    expect(info?.effective).toMatchObject({
      defaultPUIncomingTrafficAction: { value: 'Allow', namespace: account },
      defaultPUOutgoingTrafficAction: { value: 'Allow', namespace: group },
      tagPrefixEnforcement: { value: 'Warn', namespace: '/' },
      defaultEnforcerVersion: { value: 'v1.2.3', namespace: tenant },
    });
    expect(info?.effective.tagPrefixes).toEqual(
      expect.arrayContaining([
        { value: 'env=', namespace: tenant },
        { value: 'cloud:aws:', namespace: group },
        { value: 'app=', namespace: '/' },
      ]),
    );
    expect(info?.effective.organizationalMetadata).toContainEqual({
      value: '@org:team=web',
      namespace: account,
    });
  });

  it('is its own and what it has from its ancestors', async () => {
    const policy = {
      prefixes: sortedPrefixes('env=', 'cloud:aws:'),
      PUIncomingTrafficAction: 'Allow',
      PUOutgoingTrafficAction: 'Allow',
    };
    expect(await body('/namespacepolicyinfo', group)).toEqual([policy]);
    expect(await body('/namespaceinfo', group)).toMatchObject([
      { name: group, description: '', protected: true, ...policy },
    ]);
    expect(await body('/tagprefixes', group)).toEqual([{ prefixes: policy.prefixes }]);
    expect(await body('/putrafficactions', account)).toEqual([{ Incoming: 'Allow', Outgoing: 'Reject' }]);
    expect(await body('/defaultenforcerversion', group)).toEqual([{ defaultVersion: 'v1.2.3' }]);
    expect(await body('/namespacetypes', account)).toEqual([{ type: 'CloudAccount' }]);
    expect(await body('/organizationalmetadata', group)).toEqual([
      {
        metadata: ['@org:cloudaccount=aws-dev', '@org:group=default', '@org:team=web', '@org:tenant=acme'],
      },
    ]);
  });

  it('is the default where nobody said anything: in the root', async () => {
    const at = async (path: `/${string}`) => JSON.parse((await plane.root(`GET ${path}`, '/')).text);
    expect(await at('/namespaceinfo')).toMatchObject([
      {
        name: '/',
        description: '',
        protected: false,
        prefixes: sortedPrefixes(),
        PUIncomingTrafficAction: 'Reject',
        PUOutgoingTrafficAction: 'Reject',
      },
    ]);
    expect(await at('/namespacetypes')).toEqual([{ type: 'Default' }]);
    expect(await at('/defaultenforcerversion')).toEqual([{ defaultVersion: '' }]);
  });
});

const own: Operation[] = [
  'getNamespacePolicyInfo',
  'getNamespaceInfo',
  'getOrganizationalMetadata',
  'getTagPrefixes',
  'getDefaultEnforcerVersion',
  'getPuTrafficActions',
  'getNamespaceType',
  'listAccessibleNamespaces',
  'listRoles',
];

it.each(own)('%s answers as its route says, in its namespace and in no other', async operation => {
  const { path, ok } = routes[operation];
  expect(ok?.parse(await body(path, group))).toEqual(await body(path, group));
  expect((await viewer(`GET ${path as `/${string}`}`, '/')).status).toBe(403);
});

const forPeople = Object.keys(ROLES).filter(role => !ROLES[role]?.private);

it.each(forPeople)('role %s may read them all', async role => {
  const member = await plane.member(account, [role]);
  for (const operation of own) {
    const { path } = routes[operation];
    expect((await member(`GET ${path as `/${string}`}`, account)).status, path).toBe(200);
  }
});

describe('accessible namespaces', () => {
  it('are the namespace itself and those below it', async () => {
    const answer = await viewer('GET /accessiblenamespaces', tenant);
    const found = JSON.parse(answer.text) as { name: string; namespace: string }[];
    expect(found.map(({ name, namespace }) => [name, namespace])).toEqual([
      [tenant, '/'],
      [account, tenant],
      [group, account],
    ]);
    expect(answer.headers['x-count-total']).toBe('3');
  });

  it('come in pages too', async () => {
    const answer = await viewer('GET /accessiblenamespaces?page=2&pagesize=1', tenant);
    expect(JSON.parse(answer.text)).toMatchObject([{ name: group }]);
    expect(answer.headers['x-count-total']).toBe('2');
  });

  describe('of somebody who holds nothing in the namespace itself', () => {
    let deep: Caller;
    let credential: { ID: string };
    const names = async (by: Caller, namespace: string, query = ''): Promise<string[]> => {
      const answer = await by(`GET /accessiblenamespaces${query}`, namespace);
      expect(answer.status, answer.text).toBe(200);
      return JSON.parse(answer.text).map(({ name }: { name: string }) => name);
    };
    const authorization = (authorizedNamespace: string, more: object = {}) => ({
      name: 'more',
      subject: [['@auth:realm=certificate', `@auth:subject=${credential.ID}`]],
      authorizedIdentities: ['@auth:role=netsecops.viewer'],
      authorizedNamespace,
      ...more,
    });
    const authorize = async (body: object): Promise<`/${string}`> => {
      const made = await plane.root('POST /apiauthorizationpolicies', tenant, { body });
      return `/apiauthorizationpolicies/${made.object.ID}`;
    };
    beforeAll(async () => {
      const made = await plane.credential(group, ['netsecops']);
      credential = made;
      deep = await plane.as(made);
    });

    it('are those below in which something is held, and none beside them', async () => {
      await plane.namespace(account, 'beside');
      expect(await names(deep, tenant)).toEqual([group]);
      expect(await names(deep, account)).toEqual([group]);
      const other = await plane.namespace(tenant, 'other');
      const leaf = await plane.namespace(other, 'leaf');
      const policy = await authorize(authorization(other));
      expect(await names(deep, tenant)).toEqual([group, other, leaf]);
      expect(await names(deep, tenant, '?order=-name&pagesize=1')).toEqual([leaf]);
      expect(await names(deep, tenant, `?q=name==${leaf}`)).toEqual([leaf]);
      expect((await deep('GET /accessiblenamespaces?limit=1', tenant)).status).toBe(400);
      await plane.root(`PATCH ${policy}`, tenant, { body: { disabled: true } });
      expect(await names(deep, tenant)).toEqual([group]);
      await plane.root(`DELETE ${policy}`, tenant);
    });

    it('are not those of an authorization that does not count', async () => {
      const nowhere = `${tenant}/nowhere`;
      const policies = [
        await authorize(authorization(nowhere)),
        await authorize(authorization(`${tenant}/other`, { authorizedSubnets: ['10.99.0.0/16'] })),
        await authorize(authorization(`${tenant}/other`, { authorizedIdentities: ['externalnetwork,get'] })),
      ];
      expect(await names(deep, tenant)).toEqual([group]);
      for (const policy of policies) await plane.root(`DELETE ${policy}`, tenant);
    });

    it('are none in the root, in another tenant, and by any other route', async () => {
      const foreign = await plane.tenant();
      const inForeign = { ...authorization(foreign), authorizedIdentities: ['@auth:role=namespace.viewer'] };
      const child = await plane.namespace(foreign, 'child');
      await plane.root('POST /apiauthorizationpolicies', foreign, {
        body: { ...inForeign, authorizedNamespace: child },
      });
      for (const namespace of ['/', foreign, '/nowhere'])
        expect((await deep('GET /accessiblenamespaces', namespace)).status, namespace).toBe(403);
      expect(await names(deep, child)).toEqual([child]);
      expect((await deep('GET /namespaces', tenant)).status).toBe(403);
      expect((await deep('GET /namespaceinfo', tenant)).status).toBe(403);
    });
  });
});

it('lists every role with what it may do', async () => {
  const roles = (await body('/roles', tenant)) as { key: string; private: boolean }[];
  expect(roles.map(({ key }) => key)).toEqual(Object.keys(ROLES).sort());
  expect(roles.find(({ key }) => key === 'namespace.administrator')).toEqual({
    key: 'namespace.administrator',
    name: 'Namespace Administrator',
    description: ROLES['namespace.administrator']?.description,
    authorizations: { '*': ['any'] },
    private: false,
  });
  expect(roles.find(({ key }) => key === 'enforcer')?.private).toBe(true);
});

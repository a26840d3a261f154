import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Issue } from '../../shared/api/messages.ts';
import { operations, type Route, routes } from '../../shared/api/routes.ts';
import { grants, permissionsOf } from '../../shared/core/roles.ts';
import type { RequestLine } from '../make/call.ts';
import { assertion, type Caller, openPlane, type Plane } from '../make/plane.ts';

let plane: Plane;
let tenant: string;
let own: string;
let child: string;
let foreign: string;
const callers: Record<string, Caller> = {};

const ROLES = ['namespace.administrator', 'namespace.viewer', 'enforcer', 'ruleset.administrator'] as const;

beforeAll(async () => {
  plane = await openPlane();
  tenant = await plane.tenant();
  own = await plane.namespace(tenant, 'own');
  child = await plane.namespace(own, 'child');
  foreign = await plane.tenant();
  for (const role of ROLES) callers[role] = await plane.member(own, [role]);
  // Everything, but beside it: `/tenant/own` begins like `/tenant/ow`.
  const beside = await plane.namespace(tenant, 'ow');
  callers.nobody = await plane.member(beside, ['namespace.administrator']);
});
afterAll(() => plane.stop());

const guarded = operations.map(operation => routes[operation]).filter(({ allow }) => allow !== 'everybody');

/** One route for each permission: elsewhere than at home, the permission alone decides. */
const permissions = [
  ...new Map(guarded.map(route => [JSON.stringify(route.allow), route] as const)).values(),
];

/** Without a body, and with an ID that nobody has: whoever is let in is told so, and nothing happens. */
const lineOf = ({ method, path }: Route): RequestLine =>
  `${method} ${path.replace('{id}', '0190f3a1b2c3d4e5f6071829') as `/${string}`}`;

const mayCall = (role: string, { allow }: Route): boolean =>
  allow !== 'everybody' && grants(permissionsOf(`@auth:role=${role}`), allow.identity, allow.verb);

/** The two attributes that it sets are those of an object in the parent. */
const asksAbove = ({ path, method }: Route): boolean => path === '/discoverymode' && method !== 'GET';

/** What lies below is told to whoever holds it there, `nobody` too: its own namespace is another one of the tenant. */
const asksBelow = (role: string, route: Route): boolean =>
  route.below === true && (role === 'nobody' || mayCall(role, route));

const where = {
  'its own namespace': () => own,
  'a child': () => child,
  'the parent': () => tenant,
  'the root': () => '/',
  'a foreign tenant': () => foreign,
  'a tenant that is not there': () => '/nowhere',
  'a child that is not there': () => `${own}/nowhere`,
};

describe.each([...ROLES, 'nobody'])('every route is open or not, as the roles say, to %s', role => {
  it.each(Object.keys(where) as (keyof typeof where)[])('in %s', async place => {
    const namespace = where[place]();
    const inside = namespace.startsWith(own);
    const by = callers[role];
    const found: Record<string, number> = {};
    const expected: Record<string, number> = {};
    for (const route of namespace === own ? guarded : permissions) {
      const line = lineOf(route);
      const answered = await by?.(line, namespace);
      found[line] = answered?.status ?? 0;
      expected[line] =
        (role === 'nobody' || !inside || !mayCall(role, route) || (namespace === own && asksAbove(route))) &&
        !(place === 'the parent' && asksBelow(role, route))
          ? 403
          : place === 'a child that is not there'
            ? 404
            : route.input
              ? 400
              : route.path.includes('{id}')
                ? 404
                : route.method === 'HEAD'
                  ? 204
                  : 200;
    }
    expect(found).toEqual(expected);
  });
});

describe('the table of routes', () => {
  it('cannot state a route without saying who may call it', () => {
    // @ts-expect-error `allow` is missing
    const open: Route = { method: 'GET', path: '/open', group: 'open', summary: '', fails: [] };
    expect(open.allow).toBeUndefined();
    for (const operation of operations) expect(routes[operation].allow, operation).toBeDefined();
  });

  it('lets everybody do this and no more', () => {
    const open = operations.filter(operation => routes[operation].allow === 'everybody');
    expect(open).toEqual([
      'getJwks',
      'getMetaConfig',
      'getMetaName',
      'getMetaVersion',
      'issueToken',
      'listMetaRoutes',
      'registerEnforcer',
      'verifyToken',
    ]);
  });

  it('lets an enforcer do this and no more', () => {
    const may = operations.filter(operation => mayCall('enforcer', routes[operation]));
    expect(may).toEqual([
      'countEnforcer',
      'countEnforcerprofile',
      'countNamespace',
      'countProcessingunit',
      'createEnforcer',
      'createEnforcerCredentials',
      'createFlowReports',
      'createPreflight',
      'createProcessingunit',
      'deleteProcessingunit',
      'getEnforcer',
      'getEnforcerprofile',
      'getNamespace',
      'getProcessingunit',
      'listEnforcer',
      'listEnforcerDebugBundles',
      'listEnforcerHostServices',
      'listEnforcerProfiles',
      'listEnforcerTrustedCas',
      'listEnforcerprofile',
      'listNamespace',
      'listNamespaceTrustedCas',
      'listProcessingunit',
      'listUnitServices',
      'patchEnforcer',
      'patchProcessingunit',
      'pokeEnforcer',
      'pokeProcessingUnit',
      'reportDirective',
      'updateEnforcer',
      'updateProcessingunit',
    ]);
  });
});

describe('a refusal', () => {
  it('tells nothing of whether a foreign namespace exists', async () => {
    const by = callers['namespace.administrator'];
    const body = { name: 'x' };
    for (const line of ['GET /namespaces', 'POST /namespaces', 'HEAD /namespaces'] as const) {
      const told = async (namespace: string) => {
        const sent = line === 'POST /namespaces' ? { body } : {};
        const answered = await by?.(line, namespace, sent);
        const { trace: _, ...error } = answered?.errors[0] ?? { trace: '' };
        const { 'x-request-id': __, ...headers } = answered?.headers ?? {};
        return JSON.stringify([answered?.status, error, headers]).replaceAll(namespace, '<namespace>');
      };
      expect(await told(foreign)).toBe(await told('/nowhere'));
      expect(await told(foreign)).toContain('403');
    }
  });

  it('keeps objects of other namespaces out of reach by their ID', async () => {
    const body = { name: 'foreign' };
    const { object } = await plane.root('POST /enforcerprofiles', foreign, { body });
    const by = callers['namespace.administrator'];
    for (const method of ['GET', 'PUT', 'PATCH', 'DELETE'] as const) {
      const sent = method.startsWith('P') ? { body: { ...object, name: 'taken' } } : {};
      expect((await by?.(`${method} /enforcerprofiles/${object.ID}`, own, sent))?.status).toBe(404);
    }
    expect((await plane.root(`GET /enforcerprofiles/${object.ID}`, foreign)).object).toEqual(object);
  });

  it('keeps a tenant out of the root, and what ancestors only propagate is all it sees of them', async () => {
    const by = callers['namespace.administrator'];
    const network = (name: string, propagate: boolean) =>
      plane.root('POST /externalnetworks', tenant, { body: { name, entries: ['10.0.0.0/8'], propagate } });
    await network('shared', true);
    await network('private', false);
    const seen = await by?.('GET /externalnetworks?propagated&recursive', own);
    expect(seen?.list.map(({ name }) => name)).toEqual(['shared']);
  });
});

describe('an API authorization', () => {
  /** A member of a tenant without a right in `own`, and what an authorization in `at` gives it there. */
  const given = async (more: object, at = own) => {
    const credential = await plane.credential(foreign, ['namespace.viewer'], { name: 'guest' });
    const guest = await plane.as(credential);
    const { object } = await plane.root('POST /apiauthorizationpolicies', at, {
      body: {
        name: 'guest',
        subject: [['@auth:realm=certificate', `@auth:subject=${credential.ID}`]],
        authorizedIdentities: ['@auth:role=namespace.viewer'],
        authorizedNamespace: at,
        ...more,
      },
    });
    const status = async (line: RequestLine, namespace: string, sent: object = {}) =>
      (await guest(line, namespace, sent)).status;
    return { credential, object, status };
  };
  const list: RequestLine = 'GET /externalnetworks';

  it('grants what it names from its namespace downwards, and nowhere else', async () => {
    const { status } = await given({});
    expect(await status(list, own)).toBe(200);
    expect(await status(list, child)).toBe(200);
    expect(await status('POST /externalnetworks', own)).toBe(403);
    expect(await status(list, tenant)).toBe(403);
    expect(await status(list, '/')).toBe(403);
  });

  it('grants in the narrower namespace that it names', async () => {
    const { status } = await given({ authorizedNamespace: child });
    expect([await status(list, own), await status(list, child)]).toEqual([403, 200]);
  });

  it('needs every claim of one of its clauses', async () => {
    const claims = (subject: string) => ['@auth:realm=certificate', `@auth:subject=${subject}`];
    expect(await (await given({ subject: [claims('x')] })).status(list, own)).toBe(403);
    expect(
      await (await given({ subject: [['@auth:realm=oidc', '@auth:namespace=/', '@auth:a=b']] })).status(
        list,
        own,
      ),
    ).toBe(403);
    const { credential, status } = await given({ subject: [claims('x')] });
    await plane.root('POST /apiauthorizationpolicies', own, {
      body: {
        name: 'by tenant and name',
        subject: [
          claims('y'),
          [
            '@auth:realm=certificate',
            `@auth:organization=${foreign}`,
            `@auth:commonname=app:credential:${credential.ID}:guest`,
          ],
        ],
        authorizedIdentities: ['externalnetwork,get'],
        authorizedNamespace: own,
      },
    });
    expect([await status(list, own), await status('GET /enforcers', own)]).toEqual([200, 403]);
  });

  it('grants raw permissions by method', async () => {
    const { status } = await given({ authorizedIdentities: ['externalnetwork,get,patch', 'enforcer,any'] });
    const one = '/externalnetworks/0190f3a1b2c3d4e5f6071829';
    expect(await status('HEAD /externalnetworks', own)).toBe(204);
    expect(await status(`PUT ${one}`, own)).toBe(400);
    expect(await status(`DELETE ${one}`, own)).toBe(403);
    expect(await status('POST /externalnetworks', own)).toBe(403);
    expect(await status('POST /enforcers', own)).toBe(400);
    expect(await status('GET /processingunits', own)).toBe(403);
  });

  it('grants raw permissions on what any of its names says', async () => {
    const names = ['extnet,get', 'externalnetworks,post', 'pus,delete'];
    const { object, status } = await given({ authorizedIdentities: names });
    expect(object).toMatchObject({ authorizedIdentities: names });
    expect(await status('GET /externalnetworks', own)).toBe(200);
    expect(await status('POST /externalnetworks', own)).toBe(400);
    expect(await status('PUT /externalnetworks/0190f3a1b2c3d4e5f6071829', own)).toBe(403);
    expect(await status('DELETE /processingunits/0190f3a1b2c3d4e5f6071829', own)).toBe(404);
    expect(await status('GET /processingunits', own)).toBe(403);
  });

  it('grants nothing while it is disabled, once it is deleted, and after it expired', async () => {
    const expirationTime = new Date(plane.clock.now().getTime() + 3_600_000).toISOString();
    const { object, status } = await given({ expirationTime });
    const one = `/apiauthorizationpolicies/${object.ID}` as const;
    expect(await status(list, own)).toBe(200);
    await plane.root(`PATCH ${one}`, own, { body: { disabled: true } });
    expect(await status(list, own)).toBe(403);
    await plane.root(`PATCH ${one}`, own, { body: { disabled: false } });
    expect(await status(list, own)).toBe(200);
    plane.clock.advance(3_600_000);
    expect(await status(list, own)).toBe(403);
    await plane.root(`PATCH ${one}`, own, { body: { expirationTime: '2099-01-01T00:00:00.000Z' } });
    expect(await status(list, own)).toBe(200);
    await plane.root(`DELETE ${one}`, own);
    expect(await status(list, own)).toBe(403);
  });

  it('grants to its subnets only', async () => {
    const { status } = await given({ authorizedSubnets: ['198.51.100.0/24', '!198.51.100.128/25'] });
    const from = (address: string) => status(list, own, { address });
    expect(await from('198.51.100.7')).toBe(200);
    expect(await from('198.51.100.200')).toBe(403);
    expect(await from('192.0.2.1')).toBe(403);
    expect(await from('')).toBe(403);
  });

  it('that is a fallback counts only when no other applies', async () => {
    const { credential, status } = await given(
      { fallback: true, authorizedIdentities: ['externalnetwork,any'] },
      tenant,
    );
    expect([await status(list, own), await status('POST /externalnetworks', own)]).toEqual([200, 400]);
    await plane.root('POST /apiauthorizationpolicies', own, {
      body: {
        name: 'firm',
        subject: [['@auth:realm=certificate', `@auth:subject=${credential.ID}`]],
        authorizedIdentities: ['externalnetwork,get'],
        authorizedNamespace: own,
      },
    });
    expect([await status(list, own), await status('POST /externalnetworks', own)]).toEqual([200, 403]);
    expect(await status('POST /externalnetworks', tenant)).toBe(400);
  });
});

describe('nobody grants what they lack', () => {
  const authorization = (identity: string) => ({
    name: 'more',
    subject: [['@auth:realm=certificate', '@auth:subject=me']],
    authorizedIdentities: [identity],
    authorizedNamespace: own,
  });
  const credential = (identity: string) => ({ name: 'more', roles: [identity] });
  let editor: Caller;
  beforeAll(async () => {
    editor = await plane.member(own, ['infrastructure.administrator']);
  });

  it.each([
    ['/apiauthorizationpolicies', '@auth:role=namespace.administrator', 403],
    ['/apiauthorizationpolicies', '@auth:role=namespace.viewer', 403],
    ['/apiauthorizationpolicies', '*,get', 403],
    ['/apiauthorizationpolicies', '*,any', 403],
    ['/apiauthorizationpolicies', 'namespace,put', 403],
    ['/apiauthorizationpolicies', 'processingunit,get', 403],
    ['/apiauthorizationpolicies', 'enforcercredential,post', 403],
    ['/apiauthorizationpolicies', 'externalnetwork,delete', 200],
    ['/apiauthorizationpolicies', '@auth:role=infrastructure.administrator', 200],
    ['/appcredentials', '@auth:role=namespace.administrator', 403],
    ['/appcredentials', '@auth:role=enforcer', 403],
    ['/appcredentials', '@auth:role=infrastructure.administrator', 200],
  ] as const)('through %s: %s %i', async (path, identity, status) => {
    const bodyOf = path === '/appcredentials' ? credential : authorization;
    const made = await editor(`POST ${path}`, own, { body: bodyOf(identity) });
    expect(made.status, made.text).toBe(status);
    // Neither by changing one that was harmless.
    const { object } = await editor(`POST ${path}`, own, {
      body: bodyOf('@auth:role=infrastructure.administrator'),
    });
    const attribute = path === '/appcredentials' ? 'roles' : 'authorizedIdentities';
    const changed = await editor(`PATCH ${path}/${object.ID}`, own, { body: { [attribute]: [identity] } });
    expect(changed.status, changed.text).toBe(status);
    if (status === 403) {
      const { credentials: _, ...read } = object;
      const full = await editor(`PUT ${path}/${object.ID}`, own, {
        body: { ...read, [attribute]: [identity] },
      });
      expect(full.status).toBe(403);
    }
  });

  it('also not by turning on, or aiming at themselves, what others made', async () => {
    const { object } = await plane.root('POST /apiauthorizationpolicies', own, {
      body: { ...authorization('@auth:role=namespace.administrator'), disabled: true },
    });
    const one = `/apiauthorizationpolicies/${object.ID}` as const;
    expect((await editor(`PATCH ${one}`, own, { body: { disabled: false } })).status).toBe(403);
    const subject = [['@auth:realm=certificate', '@auth:subject=editor']];
    expect((await editor(`PATCH ${one}`, own, { body: { subject } })).status).toBe(403);
  });

  describe('by a provider of identities, who could be anybody,', () => {
    const provider = (name: string) => ({ name, endpoint: 'https://login.example', clientID: 'microseg' });
    const everything = ['@auth:role=namespace.administrator'];

    /** A member of a foreign tenant who is given rights in `own`. */
    const givenIn = async (more: object): Promise<Caller> => {
      const { ID, ...credential } = await plane.credential(foreign, ['namespace.viewer']);
      const subject = [['@auth:realm=certificate', `@auth:subject=${ID}`]];
      const body = { ...authorization('*,any'), authorizedIdentities: everything, subject, ...more };
      const made = await plane.root('POST /apiauthorizationpolicies', own, { body });
      expect(made.status, made.text).toBe(200);
      return plane.as({ ID, ...credential });
    };

    it.each([
      ['everything', {}, 200],
      ['the right to write providers alone', { authorizedIdentities: ['oidcprovider,any'] }, 403],
      ['everything until a time', { expirationTime: '2199-01-01T00:00:00.000Z' }, 403],
      ['everything at times', { activeSchedule: '* * * * *', activeDuration: '5m' }, 403],
      ['everything from some networks', { authorizedSubnets: ['192.0.2.0/24', '198.51.100.0/24'] }, 403],
    ])('with %s', async (title, more, status) => {
      const by = await givenIn(more);
      const made = await by('POST /oidcproviders', own, { body: provider(title), address: '192.0.2.7' });
      expect(made.status, made.text).toBe(status);
      if (status === 403) expect(made.text).toContain('you may not write an oidcprovider');
      const { object } = await plane.root('POST /oidcproviders', own, { body: provider(`of ${title}`) });
      const body = { endpoint: 'https://mine.example' };
      const changed = await by(`PATCH /oidcproviders/${object.ID}`, own, { body, address: '192.0.2.7' });
      expect(changed.status, changed.text).toBe(status);
    });

    it('with a token that is restricted', async () => {
      const credential = await plane.credential(own, ['namespace.administrator']);
      const metadata = { token: await assertion(credential, plane.clock.now()) };
      const body = { realm: 'AppCredential', metadata, restrictedPermissions: ['oidcprovider,any'] };
      const { token = '' } = Issue.parse(JSON.parse((await plane.call('POST /issue', { body })).text));
      const made = await plane.caller(token)('POST /oidcproviders', own, { body: provider('restricted') });
      expect(made.status, made.text).toBe(403);
    });
  });

  it('also not further up than they hold it', async () => {
    const body = { ...authorization('externalnetwork,get'), authorizedNamespace: tenant };
    expect((await editor('POST /apiauthorizationpolicies', own, { body })).status).toBe(422);
    expect((await editor('POST /apiauthorizationpolicies', tenant, { body })).status).toBe(403);
  });
});

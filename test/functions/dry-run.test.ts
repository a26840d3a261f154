import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { close } from '../../functions/closing.ts';
import { mayWrite } from '../../shared/api/parameters.ts';
import { type Operation, operations, type Route, routes } from '../../shared/api/routes.ts';
import type { Credential } from '../../shared/schema/appcredential.ts';
import type { NamespacePath } from '../../shared/schema/ids.ts';
import type { Namespace } from '../../shared/schema/namespace.ts';
import { identities, resourceOf } from '../../shared/schema/resources.ts';
import { played } from '../make/examples.ts';
import { assertion, openPlane, type Plane } from '../make/plane.ts';
import { WITHOUT } from '../make/story.ts';
import { minimal } from './inputs.ts';

const DRY = 'this was a dry run: nothing was changed';

let plane: Plane;
let commits = 0;
beforeAll(async () => {
  plane = await openPlane(deps => ({
    ...deps,
    store: {
      ...deps.store,
      commit: async writes => {
        // A refusal is entered in the activity log, which is no change of what is there.
        if (writes.some(({ kind }) => kind !== 'activity' && kind !== 'require')) commits += 1;
        await deps.store.commit(writes);
      },
      once: (...used) => {
        commits += 1;
        return deps.store.once(...used);
      },
      take: (...used) => {
        commits += 1;
        return deps.store.take(...used);
      },
    },
  }));
});
afterAll(() => plane.stop());
beforeEach(() => {
  commits = 0;
});

describe.each(identities)('%s, as a dry run', identity => {
  const { plural, unique } = resourceOf(identity);

  it('is created, changed and deleted in the answers only', async () => {
    const tenant = await plane.tenant();
    const { object: stored } = await plane.root(`POST /${plural}`, tenant, {
      body: minimal(tenant)[identity],
    });
    const one = `/${plural}/${stored.ID}` as const;
    const { object: kept } = await plane.root(`GET ${one}`, tenant);
    commits = 0;

    const patched = await plane.root(`PATCH ${one}?dryRun=true`, tenant, { body: { description: 'dry' } });
    expect([patched.status, patched.object.description]).toEqual([200, 'dry']);
    expect(patched.headers['x-messages']).toContain(DRY);
    const put = await plane.root(`PUT ${one}?dryrun`, tenant, { body: { ...kept, description: 'dry' } });
    expect([put.status, put.object.description]).toEqual([200, 'dry']);
    const late = await plane.root(`PUT ${one}?dryRun=true`, tenant, {
      body: { ...kept, updateTime: '2020-01-01T00:00:00.000Z' },
    });
    expect(late.status).toBe(409);
    const deleted = await plane.root(`DELETE ${one}?dryRun=true`, tenant);
    expect(deleted.status, deleted.text).toBe(200);
    expect(deleted.object).toEqual(kept);

    const other = await plane.tenant();
    commits = 0;
    const created = await plane.root(`POST /${plural}?dryRun=true`, other, {
      body: minimal(other)[identity],
    });
    expect(created.status, created.text).toBe(200);
    expect(created.headers['x-messages']).toContain(DRY);
    expect(created.object).not.toHaveProperty('credentials');
    expect(Object.keys(created.object)).toEqual(Object.keys(kept));
    if (unique !== undefined) {
      const again = await plane.root(`POST /${plural}?dryRun=true`, tenant, {
        body: minimal(tenant)[identity],
      });
      expect([again.status, again.errors[0]?.title]).toEqual([422, 'Duplicate Key']);
    }
    expect(commits).toBe(0);
    expect((await plane.root(`GET ${one}`, tenant)).object).toEqual(kept);
    expect((await plane.root(`HEAD /${plural}`, other)).headers['x-count-total']).toBe(
      (await plane.root(`HEAD /${plural}`, await plane.tenant())).headers['x-count-total'],
    );
  });
});

describe('a dry run', () => {
  it('refuses what the write would refuse, and says nothing else', async () => {
    const tenant = await plane.tenant();
    const viewer = await plane.member(tenant, ['namespace.viewer']);
    commits = 0;
    const line = 'POST /externalnetworks?dryRun=true' as const;
    expect((await viewer(line, tenant, { body: { name: 'n', entries: ['10.0.0.0/8'] } })).status).toBe(403);
    expect((await plane.root(line, tenant, { body: { name: 'n', entries: ['10.0.0/8'] } })).status).toBe(422);
    expect((await plane.root(line, `${tenant}/none`, { body: {} })).status).toBe(404);
    expect(commits).toBe(0);
  });

  it('whatever its value, even false: what is not meant to happen must not', async () => {
    const tenant = await plane.tenant();
    commits = 0;
    const body = { name: 'n', entries: ['10.0.0.0/8'] };
    const { headers } = await plane.root('POST /externalnetworks?dryRun=false', tenant, { body });
    expect(headers['x-messages']).toBe(DRY);
    expect(commits).toBe(0);
  });

  it('of an import goes through namespaces that the import itself brings along', async () => {
    const tenant = await plane.tenant();
    commits = 0;
    const data = {
      APIVersion: 1,
      label: 'dry',
      data: {
        namespaces: [{ name: 'new' }],
        externalnetworks: [{ name: 'n', entries: ['10.0.0.0/8'], namespace: './new' }],
      },
    };
    const dry = await plane.root('POST /import?dryRun=true', tenant, { body: { data } });
    expect([dry.status, JSON.parse(dry.text)]).toEqual([
      200,
      { label: 'dry', created: 2, updated: 0, unchanged: 0, removed: 0, findings: [] },
    ]);
    const twice = { ...data, data: { namespaces: [{ name: 'new' }, { name: 'new' }] } };
    expect((await plane.root('POST /import?dryRun=true', tenant, { body: { data: twice } })).status).toBe(
      422,
    );
    expect(commits).toBe(0);
    const real = await plane.root('POST /import', tenant, { body: { data } });
    expect(JSON.parse(real.text)).toEqual(JSON.parse(dry.text));
  });

  it('from the root of a cloud account makes no tenant', async () => {
    const body = { name: 'a', accountID: '123456789012', provider: 'aws', prismaID: 'dry-tenant' };
    const dry = await plane.root('POST /cloudaccounts?dryRun=true', '/', { body });
    expect(dry.status, dry.text).toBe(200);
    expect(commits).toBe(0);
    expect((await plane.root('GET /namespaces?q=name==/dry-tenant', '/')).list).toEqual([]);
  });

  it.each(['enforcer', 'processingunit'] as const)('of a poke of an %s notes nothing', async identity => {
    const tenant = await plane.tenant();
    const { plural } = resourceOf(identity);
    const { object } = await plane.root(`POST /${plural}`, tenant, { body: minimal(tenant)[identity] });
    const status = identity === 'enforcer' ? 'Disconnected' : 'Stopped';
    commits = 0;
    const dry = await plane.root(`GET /${plural}/${object.ID}/poke?status=${status}&dryRun=true`, tenant);
    expect([dry.status, dry.headers['x-messages']]).toEqual([204, DRY]);
    expect(commits).toBe(0);
    const bad = await plane.root(`GET /${plural}/${object.ID}/poke?status=Asleep&dryRun=true`, tenant);
    expect(bad.status).toBe(400);
    expect((await plane.root(`GET /${plural}/${object.ID}`, tenant)).object.operationalStatus).toBe(
      object.operationalStatus,
    );
    await plane.root(`GET /${plural}/${object.ID}/poke?status=${status}`, tenant);
    expect(commits).toBe(1);
  });

  it('of a create in a namespace whose deletion died opens it for itself alone', async () => {
    const tenant = await plane.tenant();
    const path = await plane.namespace(tenant, 'closed');
    const object = (await plane.deps.store.getByName(
      'namespace',
      tenant as NamespacePath,
      path,
    )) as Namespace;
    await close(object, plane.deps);
    const body = { name: 'n', entries: ['10.0.0.0/8'] };
    expect((await plane.root('POST /externalnetworks?dryRun', path, { body })).status).toBe(409);
    plane.clock.advance(61_000);
    commits = 0;
    expect((await plane.root('POST /externalnetworks?dryRun', path, { body })).status).toBe(200);
    expect(commits).toBe(0);
    const still = await plane.deps.store.getByName('namespace', tenant as NamespacePath, path);
    expect(still).toHaveProperty('deletion', 'Checking');
    expect((await plane.root('POST /externalnetworks', path, { body })).status).toBe(200);
  });
});

describe('a rehearsed POST /issue', () => {
  const issue = (query: string, body: object) => plane.call(`POST /issue${query}`, { body });
  const proof = async (credential: Credential) => ({
    realm: 'AppCredential',
    metadata: { token: await assertion(credential, plane.clock.now()) },
  });

  it('says what the token would be, gives none, and leaves the proof good for the real one', async () => {
    const tenant = await plane.tenant();
    const asked = {
      ...(await proof(await plane.credential(tenant, ['namespace.viewer']))),
      validity: '1h',
      quota: 3,
      restrictedNamespace: `${tenant}/a`,
    };
    commits = 0;
    for (const query of ['?dryRun=true', '?dryRun', '?dryRun&asCookie']) {
      const dry = await issue(query, asked);
      expect(dry.status, dry.text).toBe(200);
      expect(dry.headers['x-messages']).toBe(DRY);
      expect(dry.cookies).toEqual([]);
      const said = JSON.parse(dry.text);
      expect(said).toMatchObject({
        validity: '3600s',
        quota: 3,
        claims: { realm: 'certificate', restrictions: { namespace: `${tenant}/a` } },
      });
      expect(said).not.toHaveProperty('token');
      expect(dry.text).not.toMatch(/eyJ/);
    }
    expect(commits).toBe(0);
    const { token } = JSON.parse((await issue('', asked)).text);
    expect(await plane.call('POST /authn', { body: { token } })).toMatchObject({ status: 200 });
    expect((await issue('?dryRun', asked)).status, 'the proof was used').toBe(401);
  });

  it('of a token with a quota takes no use, and is refused when none is left', async () => {
    const tenant = await plane.tenant();
    const first = await issue('', {
      ...(await proof(await plane.credential(tenant, ['namespace.viewer']))),
      quota: 2,
    });
    const { token } = JSON.parse(first.text);
    const trade = { realm: 'AporetoIdentityToken', metadata: { token } };
    commits = 0;
    for (const _ of [1, 2, 3]) {
      const dry = await issue('?dryRun', trade);
      expect([dry.status, JSON.parse(dry.text).quota]).toEqual([200, 1]);
    }
    expect(commits).toBe(0);
    expect((await issue('', trade)).status).toBe(200);
    expect(JSON.parse((await issue('?dryRun', trade)).text).quota).toBe(0);
    expect((await issue('', trade)).status).toBe(200);
    expect((await issue('?dryRun', trade)).status).toBe(417);
  });

  it('refuses what cannot be proved, and a token that would be too long', async () => {
    const tenant = await plane.tenant();
    expect((await issue('?dryRun', { realm: 'AppCredential', metadata: { token: 'x' } })).status).toBe(401);
    const asked = await proof(await plane.credential(tenant, ['namespace.viewer']));
    const opaque = Object.fromEntries(Array.from({ length: 100 }, (_, at) => [`k${at}`, 'x'.repeat(90)]));
    expect((await issue('?dryRun', { ...asked, opaque })).status).toBe(413);
  });
});

/** What an answer to a rehearsal lacks: it is given out once. */
const GIVEN = ['credentials', 'token', 'upload'];

describe('each write of the API', () => {
  it('can be rehearsed: it answers as the write after it does, and writes nothing', async () => {
    const rehearsed: Operation[] = [];
    const own = await openPlane(deps => ({
      ...deps,
      store: {
        ...deps.store,
        commit: async writes => {
          commits += 1;
          await deps.store.commit(writes);
        },
        once: (...used) => {
          commits += 1;
          return deps.store.once(...used);
        },
      },
    }));
    const shape = (text: string): string[] =>
      text === '' ? [] : Object.keys(JSON.parse(text)).filter(key => !GIVEN.includes(key));
    await played(own, async ({ operation, query = '' }, ask) => {
      const route: Route = routes[operation];
      if (!mayWrite(route) || query.includes('dryRun')) return undefined;
      commits = 0;
      const dry = await ask('dryRun=true');
      expect(dry.status, `${operation} ${dry.text}`).toBeLessThan(300);
      expect(dry.headers['x-messages'], operation).toContain(DRY);
      expect(commits, operation).toBe(0);
      rehearsed.push(operation);
      return real => {
        expect(dry.status, operation).toBe(real.status);
        // What the plan of an upgrade says more is what its rehearsal is for.
        const said = shape(dry.text).filter(key => operation !== 'createEnforcerUpgrade' || key !== 'plan');
        expect(said, operation).toEqual(shape(real.text));
      };
    });
    await own.stop();
    const isPlayed = (operation: Operation): boolean =>
      // What replaces an object is played as a rehearsal alone.
      WITHOUT[operation] === undefined && (routes[operation] as Route).crud?.action !== 'update';
    const writes = operations.filter(operation => mayWrite(routes[operation]) && isPlayed(operation));
    console.log(
      `${rehearsed.length} writes by ${writes.length} operations, each rehearsed before it was done`,
    );
    expect(writes.filter(operation => !rehearsed.includes(operation))).toEqual([]);
  });
});

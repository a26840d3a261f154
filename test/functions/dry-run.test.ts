import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { identities, resourceOf } from '../../shared/schema/resources.ts';
import { openPlane, type Plane } from '../make/plane.ts';
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

  it('gives out neither tokens nor credentials', async () => {
    const tenant = await plane.tenant();
    const { object } = await plane.root('POST /enforcers', tenant, { body: minimal(tenant).enforcer });
    const keys = await plane.root(`POST /enforcers/${object.ID}/credentials?dryRun=true`, tenant);
    expect([keys.status, keys.errors[0]?.description]).toEqual([400, expect.stringContaining('no dry run')]);
    const { token } = JSON.parse(
      (await plane.call('POST /issue', { body: { realm: 'AppCredential', metadata: { token: 'x' } } })).text,
    );
    expect(token).toBeUndefined();
  });
});

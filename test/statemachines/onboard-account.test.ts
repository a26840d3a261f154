import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tasks } from '../../functions/tasks/index.ts';
import { load } from '../../local/asl/load.ts';
import { readStateMachines } from '../../local/workflows.ts';
import { systemClock } from '../../shared/adapters/local/clock.ts';
import type { Database } from '../../shared/adapters/local/database.ts';
import type { ObjectStore } from '../../shared/ports/object-store.ts';
import type { CloudAccount } from '../../shared/schema/cloudaccount.ts';
import { fail } from '../../shared/schema/failure.ts';
import { NamespacePath, ROOT } from '../../shared/schema/ids.ts';
import { create, make, makeNamespace } from '../make/objects.ts';
import {
  accountEvent,
  controlTowerEvent,
  executionOf,
  freshTime,
  onboarding,
  tenantPath,
  tree,
} from '../make/onboarding.ts';
import { type QuickStore, quickStore } from '../make/quick-database.ts';
import { WORKFLOW } from '../make/state-machine.ts';

const text = readStateMachines()[WORKFLOW];

let quick: QuickStore;
let database: Database;
let plain: ObjectStore;
let tenants = 0;
/** A tenant for each test, in one database: what is in another tenant must not matter. */
const freshTenant = () => `${826920578209170000n + BigInt(++tenants)}`;

beforeAll(() => {
  quick = quickStore(systemClock);
  ({ database, store: plain } = quick);
});
afterAll(() => quick.stop());

const event = (id: string, prismaID: string, more: Record<string, unknown> = {}) =>
  accountEvent(id, { prismaID, name: 'aws-dev', accountID: '826088932159', ...more });

/** What onboarding `aws-dev` 826088932159 leaves in a tenant. */
function expected(tenant: string, more: Partial<CloudAccount> = {}, actions = ['Allow', 'Allow']) {
  const account = `/${tenant}/${more.name ?? 'aws-dev'}-826088932159`;
  const tags = (identity: string, name: string, namespace: string, ...others: string[]) =>
    [`$identity=${identity}`, `$name=${name}`, `$namespace=${namespace}`, ...others].sort();
  const made = {
    description: 'Made when the account was onboarded',
    metadata: [],
    annotations: {},
    protected: false,
  };
  return {
    namespace: [
      expect.objectContaining({
        name: `/${tenant}`,
        namespace: '/',
        type: 'Tenant',
        defaultPUIncomingTrafficAction: 'Inherit',
        defaultPUOutgoingTrafficAction: 'Inherit',
        organizationalMetadata: [`@org:tenant=${tenant}`],
        normalizedTags: tags('namespace', `/${tenant}`, '/'),
      }),
      expect.objectContaining({
        name: account,
        namespace: `/${tenant}`,
        type: 'CloudAccount',
        defaultPUIncomingTrafficAction: actions[0],
        defaultPUOutgoingTrafficAction: actions[1],
        organizationalMetadata: [`@org:cloudaccount=${account.split('/')[2]}`],
      }),
      expect.objectContaining({
        name: `${account}/default`,
        namespace: account,
        type: 'Group',
        defaultPUIncomingTrafficAction: 'Inherit',
        defaultPUOutgoingTrafficAction: 'Inherit',
        organizationalMetadata: ['@org:group=default'],
      }),
    ],
    cloudaccount: [
      expect.objectContaining({
        name: 'aws-dev',
        accountID: '826088932159',
        namespace: `/${tenant}`,
        status: 'Ready',
        statusReason: '',
        accountNamespace: account,
        ...more,
      }),
    ],
    enforcerprofile: [
      expect.objectContaining({
        ...made,
        name: 'default',
        namespace: account,
        propagate: true,
        associatedTags: ['enforcerprofile=default'],
        normalizedTags: tags('enforcerprofile', 'default', account, 'enforcerprofile=default'),
      }),
    ],
    enforcerprofilemappingpolicy: [
      expect.objectContaining({
        ...made,
        namespace: account,
        subject: [['$identity=enforcer']],
        object: [['enforcerprofile=default']],
        propagate: true,
        fallback: true,
        disabled: false,
      }),
    ],
    apiauthorizationpolicy: [
      ['NetSecOps', 'NetSecOps', '@auth:role=netsecops'],
      ['NetSecOps, read-only', 'NetSecOpsReadOnly', '@auth:role=netsecops.viewer'],
    ].map(([name, group, role]) =>
      expect.objectContaining({
        ...made,
        name,
        namespace: account,
        subject: [
          ['@auth:realm=pcidentitytoken', `@auth:prismaid=${tenant}`, `@auth:userroletypename=${group}`],
        ],
        authorizedIdentities: [role],
        authorizedNamespace: account,
      }),
    ),
  };
}

describe('the file', () => {
  const machine = load(WORKFLOW, text, Object.keys(tasks));
  const states = [...machine.states];

  it('calls with its fellows every task by its name, and no other', () => {
    const texts = Object.values(readStateMachines()).join();
    const called = [...texts.matchAll(/\$\{(\w+)\}/g)].map(([, name]) => name);
    expect([...new Set(called)].sort()).toEqual(Object.keys(tasks).sort());
  });

  it('retries every task alike: with backoff and full jitter, never what is refused for good, each try with a timeout', () => {
    const retries = states.flatMap(([, state]) => (state.Type === 'Task' ? [state.Retry] : []));
    expect(retries).toHaveLength(11);
    for (const retry of retries) {
      expect(retry).toEqual(retries[0]);
      expect(retry[0]).toMatchObject({ MaxAttempts: 0 });
      expect(retry[1]).toMatchObject({ JitterStrategy: 'FULL', BackoffRate: 2, MaxDelaySeconds: 20 });
    }
    for (const [name, state] of states) {
      if (state.Type === 'Task') expect(state.TimeoutSeconds, name).toBeDefined();
    }
  });

  it('catches everything where something may be left half done, and leads it to RecordFailed', () => {
    const uncaught = states.flatMap(([name, state]) =>
      'Catch' in state && state.Catch.every(({ Next }) => Next !== 'RecordFailed') ? [name] : [],
    );
    expect(uncaught).toEqual([
      'EnsureProfile',
      'EnsureProfileMapping',
      'EnsureNetSecOps',
      'PublishReady',
      'RecordFailed',
      'PublishFailed',
    ]);
  });

  it('gives up its retries before its own timeout', () => {
    const slowest = states.filter(([, { Type }]) => Type === 'Task').length * 7 * 30 + 10 * 51;
    expect(machine.timeoutSeconds).toBeGreaterThan(slowest);
  });
});

describe('onboarding', () => {
  it('makes the tree and says so', async () => {
    const tenant = freshTenant();
    const { deliver, finish, store, published } = onboarding({ database, plain });
    await deliver(event('e1', tenant));
    await finish();
    expect(await tree(store, tenant)).toEqual(expected(tenant));
    expect([...published.values()]).toEqual([
      expect.objectContaining({
        'detail-type': 'CloudAccountReady',
        detail: { prismaID: tenant, name: 'aws-dev', accountID: '826088932159' },
      }),
    ]);
  });

  it('takes the traffic actions of the event', async () => {
    const tenant = freshTenant();
    const { deliver, finish, store } = onboarding({ database, plain });
    const modes = { defaultPUIncomingTrafficAction: 'Reject', defaultPUOutgoingTrafficAction: 'Inherit' };
    await deliver(event('e1', tenant, modes));
    await finish();
    expect(await tree(store, tenant)).toEqual(
      expected(tenant, modes as Partial<CloudAccount>, ['Reject', 'Inherit']),
    );
  });

  it('starts nothing for an event that comes again', async () => {
    const tenant = freshTenant();
    const { deliver, finish, published } = onboarding({ database, plain });
    for (const _ of [1, 2, 3]) await deliver(event('e1', tenant));
    await finish();
    await deliver(event('e1', tenant));
    await finish();
    expect(published.size).toBe(1);
  });

  it('makes one tree for one account, whatever events name it', async () => {
    const tenant = freshTenant();
    const { deliver, finish, store } = onboarding({ database, plain });
    await deliver(event('e1', tenant));
    await finish();
    await deliver(event('e2', tenant, { name: 'renamed' }));
    await finish();
    expect(await tree(store, tenant)).toEqual(expected(tenant));
  });

  it('onboards what was created through the API in the tenant', async () => {
    const tenant = freshTenant();
    const { post, finish, store } = onboarding({ database, plain });
    await store.commit([create('namespace', make('namespace', ROOT, { name: tenant, type: 'Tenant' }))]);
    await post(tenantPath(tenant), { name: 'aws-dev', accountID: '826088932159', provider: 'aws' });
    await finish();
    expect(await tree(store, tenant)).toEqual(expected(tenant));
  });

  it('onboards what was created in the root for a tenant, and keeps its object there', async () => {
    const tenant = freshTenant();
    const accountID = `root-${tenant}`;
    const { post, finish, store } = onboarding({ database, plain });
    await post(ROOT, { name: 'aws-dev', accountID, provider: 'aws', prismaID: tenant });
    await finish();
    expect(await store.getByName('cloudaccount', ROOT, accountID)).toMatchObject({
      status: 'Ready',
      accountNamespace: `/${tenant}/aws-dev-${accountID}`,
    });
  });

  it('onboards an account of AWS Control Tower into the default tenant', async () => {
    const tenant = freshTenant();
    const { deliver, finish, store } = onboarding({ database, plain, defaultTenant: tenant });
    await deliver(controlTowerEvent('ct', { accountName: 'aws dev (EU)', accountId: '826088932159' }));
    await finish();
    expect(await tree(store, tenant)).toEqual(expected(tenant, { name: 'aws-dev-EU-', provider: 'aws' }));
  });

  it.each([
    ['another tenant', (tenant: string) => ({ home: `/${tenant}`, prismaID: 'other' })],
    ['a namespace below its tenant', (tenant: string) => ({ home: `/${tenant}/team`, prismaID: tenant })],
    ['no tenant', (_: string) => ({ home: '/', prismaID: '' })],
  ])('is refused for %s, on the object and on the bus, and makes nothing', async (_, say) => {
    const tenant = freshTenant();
    const { home, prismaID } = say(tenant);
    const { workflows, finish, store, published } = onboarding({ database, plain });
    const paths = [tenantPath(tenant), ...(home.endsWith('/team') ? [`${tenantPath(tenant)}/team`] : [])];
    for (const path of paths)
      await store.commit([create('namespace', makeNamespace(NamespacePath.parse(path)))]);
    const account = {
      prismaID,
      name: 'n',
      accountID: `a${tenant}`,
      provider: 'aws',
      defaultPUIncomingTrafficAction: 'Allow',
      defaultPUOutgoingTrafficAction: 'Allow',
    };
    await workflows.start(WORKFLOW, `refused-${tenant}`, { home, account });
    await finish();
    expect(await workflows.describe(WORKFLOW, `refused-${tenant}`)).toMatchObject({
      status: 'FAILED',
      error: 'Microseg.forbidden',
    });
    expect(await store.getByName('cloudaccount', NamespacePath.parse(home), account.accountID)).toMatchObject(
      {
        status: 'Failed',
        statusReason: expect.stringMatching(
          /^CheckHome: Microseg.forbidden: a cloud account in `.*` cannot be onboarded/,
        ),
      },
    );
    expect([...published.values()]).toEqual([
      expect.objectContaining({ 'detail-type': 'CloudAccountFailed' }),
    ]);
    expect((await tree(store, tenant)).namespace).toHaveLength(paths.length);
  });
});

describe('when the store is out', () => {
  /** A store that refuses writes of one resource as often as told. */
  const refusing = (resource: string, times: number, kind: 'unavailable' | 'invalid' = 'unavailable') => {
    let left = times;
    return (store: ObjectStore): ObjectStore => ({
      ...store,
      commit: async writes => {
        const hit = writes.some(write => 'resource' in write && write.resource === resource);
        if (hit && left-- > 0) throw fail(kind, 'the table is being restored');
        return store.commit(writes);
      },
    });
  };

  it('tries again, and makes the same tree', async () => {
    const tenant = freshTenant();
    const { deliver, finish, store } = onboarding({ database, plain, store: refusing('namespace', 5) });
    await deliver(event('e1', tenant));
    await finish();
    expect(await tree(store, tenant)).toEqual(expected(tenant));
  });

  it('gives up at last, and says why on the account and on the bus', async () => {
    const tenant = freshTenant();
    const { deliver, finish, store, published, workflows, time } = onboarding({
      database,
      plain,
      store: refusing('enforcerprofile', 100),
    });
    const begun = time.now().getTime();
    await deliver(event('e1', tenant));
    await finish();
    const record = await store.getByName('cloudaccount', tenantPath(tenant), '826088932159');
    expect(record).toMatchObject({
      status: 'Failed',
      statusReason: 'EnsureContents: Microseg.unavailable: the table is being restored',
      accountNamespace: '',
    });
    expect([...published.values()]).toEqual([
      expect.objectContaining({
        'detail-type': 'CloudAccountFailed',
        detail: expect.objectContaining({ error: 'Microseg.unavailable', accountID: '826088932159' }),
      }),
    ]);
    expect(await workflows.describe(WORKFLOW, executionOf(published))).toMatchObject({
      status: 'FAILED',
      error: 'Microseg.unavailable',
    });
    expect(time.now().getTime() - begun).toBeLessThan(51_000);
  });

  it('does not try again what is refused for good', async () => {
    const tenant = freshTenant();
    const { deliver, finish, store, time } = onboarding({
      database,
      plain,
      store: refusing('namespace', 100, 'invalid'),
    });
    const begun = time.now();
    await deliver(event('e1', tenant));
    await finish();
    expect(time.now()).toEqual(begun);
    expect((await tree(store, tenant)).namespace).toEqual([]);
  });

  it('takes nothing back from an account that is ready, whatever a later event comes to', async () => {
    const tenant = freshTenant();
    const well = onboarding({ database, plain });
    await well.deliver(event('e1', tenant));
    await well.finish();
    const out = onboarding({
      database,
      plain,
      store: store => ({
        ...store,
        getByName: async (resource, namespace, name) => {
          if (resource === 'namespace') throw fail('invalid', 'damaged');
          return store.getByName(resource, namespace, name);
        },
      }),
    });
    await out.deliver(event('e2', tenant));
    await out.finish();
    expect([...out.published.values()]).toEqual([
      expect.objectContaining({ 'detail-type': 'CloudAccountFailed' }),
    ]);
    expect(await tree(plain, tenant)).toEqual(expected(tenant));
  });

  it('goes on from where it failed with the next event', async () => {
    const tenant = freshTenant();
    const { deliver, finish, store } = onboarding({
      database,
      plain,
      store: refusing('apiauthorizationpolicy', 7),
    });
    await deliver(event('e1', tenant));
    await finish();
    expect((await tree(store, tenant)).apiauthorizationpolicy).toEqual([]);
    await deliver(event('e2', tenant));
    await finish();
    expect(await tree(store, tenant)).toEqual(expected(tenant));
  });
});

/** One way that an account can come in; all of them at once and in any order must make one tree. */
const source = fc.oneof(
  fc.record({ by: fc.constant('event' as const), id: fc.constantFrom('e1', 'e2', 'e3') }),
  fc.record({ by: fc.constant('tower' as const), id: fc.constantFrom('c1', 'c2') }),
  fc.record({ by: fc.constant('post' as const), id: fc.constant('') }),
);

const interleaving = fc.record({
  sources: fc.array(source, { minLength: 1, maxLength: 5 }),
  /** For each source, whether what came before has ended first. */
  apart: fc.array(fc.boolean(), { minLength: 5, maxLength: 5 }),
  /** For each write in turn: how long it takes, and what becomes of it. */
  writes: fc.array(
    fc.record({
      turns: fc.nat({ max: 4 }),
      fate: fc.constantFrom('done', 'done', 'done', 'refused', 'done and not heard of'),
    }),
    { minLength: 8, maxLength: 8 },
  ),
  copies: fc.array(fc.nat({ max: 2 }), { minLength: 4, maxLength: 4 }),
});

/** A store that is slow and forgetful, as told; after what it was told it is well. */
const disturbed =
  (writes: readonly { turns: number; fate: string }[]) =>
  (store: ObjectStore): ObjectStore => {
    const told = [...writes];
    return {
      ...store,
      commit: async steps => {
        const { turns = 0, fate = 'done' } = told.shift() ?? {};
        for (let turn = 0; turn < turns; turn += 1) await new Promise(setImmediate);
        if (fate === 'refused') throw fail('unavailable', 'try again');
        await store.commit(steps);
        if (fate !== 'done') throw fail('unavailable', 'nobody heard whether it was done');
      },
    };
  };

it('makes one tree, once, for 100 random interleavings of events that repeat, race and fail', {
  timeout: 60_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(interleaving, async ({ sources, apart, writes, copies }) => {
      const tenant = freshTenant();
      let delivered = 0;
      const { deliver, post, finish, store, published } = onboarding({
        database,
        plain,
        defaultTenant: tenant,
        store: disturbed(writes),
        duplicateDelivery: () => copies[delivered++ % copies.length] ?? 0,
      });
      const bring = async ({ by, id }: (typeof sources)[number]) => {
        if (by === 'event') return deliver(event(id, tenant));
        if (by === 'tower')
          return deliver(controlTowerEvent(id, { accountName: 'aws-dev', accountId: '826088932159' }));
        const home = await store.getByName('namespace', ROOT, tenantPath(tenant));
        if (home)
          await post(tenantPath(tenant), { name: 'aws-dev', accountID: '826088932159', provider: 'aws' });
      };
      await deliver(event('e0', tenant));
      for (const [index, one] of sources.entries()) {
        if (apart[index]) await finish();
        await bring(one);
      }
      await finish();
      expect(await tree(store, tenant)).toEqual(expected(tenant));
      expect([...published.values()].every(one => one['detail-type'] === 'CloudAccountReady')).toBe(true);
    }),
    { numRuns: 100 },
  );
});

it('finishes with the same tree after kill -9 at any transition, before or after it is recorded', {
  timeout: 60_000,
}, async () => {
  const killedAt = async (point: number): Promise<number> => {
    const tenant = freshTenant();
    const time = freshTime();
    let points = 0;
    const onTransition = () => {
      points += 1;
      if (points === point) throw new Error('killed');
    };
    const first = onboarding({ database, plain, time, onTransition });
    await first.deliver(event('e1', tenant)).catch(() => {});
    await first.finish();
    const second = onboarding({ database, plain, time });
    await second.finish();
    expect(await tree(second.store, tenant), `killed at point ${point}`).toEqual(expected(tenant));
    return points;
  };
  const points = await killedAt(0);
  for (let point = 1; point <= points; point += 1) expect(await killedAt(point)).toBe(point);
  console.info(`killed at each of ${points} points of ${points / 2} transitions`);
});

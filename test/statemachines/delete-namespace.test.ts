import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { takeUpDeletions } from '../../functions/events/stuck-deletions.ts';
import { tasks } from '../../functions/tasks/index.ts';
import { load } from '../../local/asl/load.ts';
import { readStateMachines } from '../../local/workflows.ts';
import { touch } from '../../shared/core/object.ts';
import type { ObjectStore, Stored } from '../../shared/ports/object-store.ts';
import type { Publications } from '../../shared/ports/publications.ts';
import { fail } from '../../shared/schema/failure.ts';
import { childPath, NamespacePath, ROOT } from '../../shared/schema/ids.ts';
import { MOST_ELEMENTS } from '../../shared/schema/resource.ts';
import { identities } from '../../shared/schema/resources.ts';
import type { FedOptions } from '../make/fed-workflow.ts';
import { create, freshTenant, makeEnforcer, makeNamespace, makeNetwork, makeUnit } from '../make/objects.ts';
import { purging } from '../make/purging.ts';
import { type QuickStore, quickStore } from '../make/quick-database.ts';
import { quiet } from '../make/state-machine.ts';
import { timeline } from '../make/timeline.ts';

let quick: QuickStore;
let store: ObjectStore;
let publications: Publications;
let times = 0;
const freshTime = () => timeline(undefined, `purging ${++times}`);

beforeAll(() => {
  quick = quickStore(freshTime());
  ({ store, publications } = quick);
});
afterAll(() => quick.stop());

const removal = (more: Partial<FedOptions> = {}) =>
  purging({ database: quick.database, store, publications, time: freshTime(), ...more });

const namespaceAt = async (path: string): Promise<Stored<'namespace'>> => {
  const object = makeNamespace(NamespacePath.parse(path));
  await store.commit([create('namespace', object)]);
  return object;
};

/** A tenant with a namespace that is to go, some levels and objects below it, and a neighbour that stays. */
async function plant(objects = 3) {
  const tenant = freshTenant();
  await namespaceAt(tenant);
  const account = await namespaceAt(`${tenant}/account`);
  const neighbour = await namespaceAt(`${tenant}/account-2`);
  for (const below of ['a', 'a/deep', 'b']) await namespaceAt(`${tenant}/account/${below}`);
  const all = ['account', 'account/a', 'account/a/deep', 'account/b', 'account-2'].map(path =>
    NamespacePath.parse(`${tenant}/${path}`),
  );
  for (const path of all) {
    for (let at = 0; at < objects; at += 1) {
      await store.commit([create('externalnetwork', makeNetwork(path, `network ${at}`))]);
    }
    await store.commit([create('enforcer', makeEnforcer(path, 'enforcer', `machine in ${path}`))]);
  }
  const deep = await store.getByName(
    'namespace',
    childPath(account.name as NamespacePath, 'a'),
    `${account.name}/a/deep` as NamespacePath,
  );
  if (!deep) throw new Error('not planted');
  await publications.mark(NamespacePath.parse(deep.name), deep.ID);
  await publications.mark(NamespacePath.parse(neighbour.name), neighbour.ID);
  return { tenant, account, neighbour };
}

/** As the API hides a namespace. */
async function hide(object: Stored<'namespace'>): Promise<void> {
  const hidden = touch('namespace', { ...object, deletion: 'Purging' as const }, new Date());
  await store.commit([{ kind: 'update', resource: 'namespace', object: hidden, seen: object.updateTime }]);
}

/** What there is in a tenant, as `<identity> <namespace>`, each with how often. */
async function inventory(tenant: NamespacePath): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const identity of identities) {
    const { items } = await store.listTree(identity, tenant, { limit: 1000 });
    for (const { namespace } of items) {
      const key = `${identity} ${namespace.slice(tenant.length)}`;
      counts[key] = (counts[key] ?? 0) + 1;
    }
  }
  for (const { namespace } of await publications.list(tenant)) {
    counts[`publication ${namespace.slice(tenant.length)}`] = 1;
  }
  return counts;
}

const LEFT = {
  'namespace ': 1,
  'externalnetwork /account-2': 3,
  'enforcer /account-2': 1,
  'publication /account-2': 1,
};

describe('the file', () => {
  const text = readStateMachines()['delete-namespace'];
  const machine = load('delete-namespace', text, Object.keys(tasks));

  it('retries both tasks alike, never what is refused for good, each try with a timeout', () => {
    const called = [...machine.states].flatMap(([, state]) => (state.Type === 'Task' ? [state] : []));
    expect(called).toHaveLength(2);
    for (const { Retry, TimeoutSeconds } of called) {
      expect(Retry).toEqual(called[0]?.Retry);
      expect(Retry[0]).toMatchObject({ MaxAttempts: 0 });
      expect(Retry[1]).toMatchObject({ JitterStrategy: 'FULL', BackoffRate: 2, MaxDelaySeconds: 60 });
      expect(TimeoutSeconds).toBeDefined();
    }
  });
});

describe('removing a namespace', () => {
  it('leaves nothing of it, nothing below it, and everything beside it', async () => {
    const { tenant, account } = await plant();
    await hide(account);
    const { deliver, finish, workflows } = removal();
    await deliver();
    await finish();
    expect(await workflows.describe('delete-namespace', account.ID)).toMatchObject({ status: 'SUCCEEDED' });
    expect(await inventory(tenant)).toEqual(LEFT);
  });

  it('takes as many calls as there are parts', async () => {
    const { tenant, account } = await plant(150);
    await hide(account);
    const { deliver, finish, workflows } = removal();
    await deliver();
    await finish();
    expect(await inventory(tenant)).toEqual({ ...LEFT, 'externalnetwork /account-2': 150 });
    const purges = workflows
      .history('delete-namespace', account.ID)
      .filter(({ type, state }) => type === 'TaskStateEntered' && state === 'Purge');
    // 604 objects, 16 a transaction, and 40 transactions a call.
    expect(purges.length).toBeGreaterThan(1);
  });

  it('records who removed each object', async () => {
    const { tenant, account } = await plant();
    await hide(account);
    const { deliver, finish } = removal();
    await deliver();
    await finish();
    const { items } = await store.activities(childPath(tenant, 'account'), { limit: 100 });
    expect(items.map(({ operation, targetIdentity }) => `${operation} ${targetIdentity}`).sort()).toEqual([
      'delete enforcer',
      'delete externalnetwork',
      'delete externalnetwork',
      'delete externalnetwork',
      'delete namespace',
      'delete namespace',
    ]);
    expect(items[0]).toMatchObject({
      claims: ['@auth:realm=system', '@auth:subject=delete-namespace'],
      requestID: account.ID,
    });
  });

  it('takes in nothing that comes late, anywhere below', async () => {
    const { tenant, account } = await plant();
    await hide(account);
    const late = NamespacePath.parse(`${account.name}/a/deep`);
    let refused = 0;
    let admitted = 0;
    // A request that was authorized before the namespace was hidden, and writes before each write of the workflow.
    const racing: ObjectStore = {
      ...store,
      commit: async writes => {
        await store
          .commit([
            { kind: 'require', namespace: late },
            create('externalnetwork', makeNetwork(late, 'late')),
          ])
          .then(
            () => (admitted += 1),
            () => (refused += 1),
          );
        await store.commit(writes);
      },
    };
    const { deliver, finish } = removal({ store: racing });
    await deliver();
    await finish();
    expect(admitted, 'before its own namespace was closed').toBeGreaterThan(0);
    expect(refused, 'from then on').toBeGreaterThan(0);
    expect(await inventory(tenant)).toEqual(LEFT);
  });

  it('tries again while the store is out', async () => {
    const { tenant, account } = await plant();
    await hide(account);
    let faults = 5;
    const failing: ObjectStore = {
      ...store,
      commit: async writes => {
        if (faults-- > 0) throw fail('unavailable', 'try again');
        await store.commit(writes);
      },
    };
    const { deliver, finish } = removal({ store: failing });
    await deliver();
    await finish();
    expect(await inventory(tenant)).toEqual(LEFT);
  });

  it('refuses a namespace that nobody deleted', async () => {
    const { tenant, account } = await plant();
    const { workflows, finish } = removal();
    await workflows.start('delete-namespace', account.ID, { parent: tenant, ID: account.ID });
    await finish();
    expect(await workflows.describe('delete-namespace', account.ID)).toMatchObject({
      status: 'FAILED',
      error: 'Microseg.invalid',
    });
    expect(await store.getByName('namespace', tenant, account.name)).toBeDefined();
  });

  it('ends the same when every task is delivered twice', async () => {
    const { tenant, account } = await plant();
    await hide(account);
    const time = freshTime();
    const { deliver, finish } = removal({ time, duplicateDelivery: () => 1 });
    await deliver();
    await finish();
    expect(await inventory(tenant)).toEqual(LEFT);
  });

  it('ends the same after kill -9 at any transition, before or after it is recorded', {
    timeout: 60_000,
  }, async () => {
    const killedAt = async (point: number): Promise<number> => {
      const { tenant, account } = await plant();
      await hide(account);
      const time = freshTime();
      let points = 0;
      const onTransition = () => {
        points += 1;
        if (points === point) throw new Error('killed');
      };
      const first = removal({ time, onTransition });
      await first.deliver().catch(() => {});
      await first.finish();
      const second = removal({ time });
      await second.deliver();
      await second.finish();
      expect(await inventory(tenant), `killed at point ${point}`).toEqual(LEFT);
      return points;
    };
    const points = await killedAt(0);
    for (let point = 1; point <= points; point += 1) expect(await killedAt(point)).toBe(point);
    console.info(`killed at each of ${points} points of ${points / 2} transitions`);
  });

  it('ends the same when a task dies before or after any of its writes', async () => {
    const dyingAt = async (point: number): Promise<number> => {
      const { tenant, account } = await plant();
      await hide(account);
      let points = 0;
      const die = () => {
        points += 1;
        if (points === point) throw fail('unavailable', 'the task died');
      };
      const dying: ObjectStore = {
        ...store,
        commit: async writes => {
          die();
          await store.commit(writes);
          die();
        },
      };
      const { deliver, finish } = removal({ store: dying });
      await deliver();
      await finish();
      expect(await inventory(tenant), `dead at point ${point}`).toEqual(LEFT);
      return points;
    };
    const points = await dyingAt(0);
    for (let point = 1; point <= points; point += 1) await dyingAt(point);
    expect(points).toBeGreaterThan(0);
  });

  it('removes units with as many addresses as they may have, as few at once as fit into a transaction', async () => {
    const { tenant, account } = await plant();
    const path = NamespacePath.parse(account.name);
    const units = Array.from({ length: 20 }, (_, at) =>
      makeUnit(
        path,
        `unit ${at}`,
        Array.from({ length: MOST_ELEMENTS }, (_, nth) => `10.0.${at}.${nth}`),
      ),
    );
    for (const unit of units) await store.commit([create('processingunit', unit)]);
    await hide(account);
    const { deliver, finish } = removal();
    await deliver();
    await finish();
    expect(await inventory(tenant)).toEqual(LEFT);
  });

  it('that failed for good is begun anew by the clock, under the next name, and by nobody while it is at work', async () => {
    const { tenant, account } = await plant(40);
    await hide(account);
    const time = freshTime();
    let faults = 2;
    const failing: ObjectStore = {
      ...store,
      commit: async writes => {
        const isPurge = writes.some(({ kind }) => kind === 'delete');
        if (isPurge && faults-- > 0) throw fail('invalid', 'a defect of this release');
        await store.commit(writes);
      },
    };
    const { deliver, finish, workflows } = removal({ store: failing, time });
    await deliver();
    const deps = { store, clock: time, log: quiet, workflows };
    time.advance(Date.now() - time.now().getTime() + 11 * 60_000);
    expect(await takeUpDeletions(deps), 'at work').toEqual({ begun: 0 });
    for (const number of ['', '-1']) {
      await finish();
      const ended = await workflows.describe('delete-namespace', `${account.ID}${number}`);
      expect(ended).toMatchObject({ status: 'FAILED', error: 'Microseg.invalid' });
      expect(await takeUpDeletions(deps)).toEqual({ begun: 1 });
      expect(await takeUpDeletions(deps), 'at work again').toEqual({ begun: 0 });
    }
    await finish();
    expect(await workflows.describe('delete-namespace', `${account.ID}-2`)).toMatchObject({
      status: 'SUCCEEDED',
    });
    expect(await inventory(tenant)).toEqual({ ...LEFT, 'externalnetwork /account-2': 40 });
    expect(await takeUpDeletions(deps), 'nothing is left').toEqual({ begun: 0 });
  });

  it('removes a tenant too', async () => {
    const { tenant } = await plant();
    const root = await store.getByName('namespace', ROOT, tenant);
    if (!root) throw new Error('not planted');
    await hide(root);
    const { deliver, finish } = removal();
    await deliver();
    await finish();
    expect(await inventory(tenant)).toEqual({});
    expect(await store.get({ resource: 'namespace', namespace: ROOT, id: root.ID })).toBeUndefined();
  });
});

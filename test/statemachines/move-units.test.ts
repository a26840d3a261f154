import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mappingChanged } from '../../functions/events/mapping-changed.ts';
import { mappingsFrom } from '../../functions/unit-mapping.ts';
import { moveOf } from '../../functions/units.ts';
import { touch } from '../../shared/core/object.ts';
import type { ObjectStore, Stored } from '../../shared/ports/object-store.ts';
import { fail } from '../../shared/schema/failure.ts';
import { childPath, type NamespacePath } from '../../shared/schema/ids.ts';
import { type FedOptions, fedBy } from '../make/fed-workflow.ts';
import { create, freshTenant, make, makeNamespace, nextID } from '../make/objects.ts';
import { type QuickStore, quickStore } from '../make/quick-database.ts';
import { quiet } from '../make/state-machine.ts';
import { timeline } from '../make/timeline.ts';

let quick: QuickStore;
let store: ObjectStore;
let times = 0;
/** A day of its own for each, so that no changes of two tests share an execution. */
const freshTime = () => timeline(new Date(Date.UTC(2026, 2, ++times, 12)).toISOString(), `moving ${times}`);

beforeAll(() => {
  quick = quickStore(freshTime());
  ({ store } = quick);
});
afterAll(() => quick.stop());

const moving = (more: Partial<FedOptions> = {}) => {
  const { database, publications } = quick;
  const time = freshTime();
  return fedBy('move-units', mappingChanged, { database, store, publications, time, ...more });
};

/** A tenant with namespaces `/a` and `/b` below, and so many units that start in it, half of each kind. */
async function plant(units: number): Promise<NamespacePath> {
  // What was told of other tenants is not told again.
  quick.database.handle.exec('DELETE FROM changes');
  const tenant = freshTenant();
  for (const path of [tenant, childPath(tenant, 'a'), childPath(tenant, 'b')]) {
    await store.commit([create('namespace', makeNamespace(path))]);
  }
  const all = Array.from({ length: units }, (_, at) => ({
    ...make('processingunit', tenant, {
      name: `unit ${at}`,
      type: 'Docker',
      associatedTags: [`app=${at % 2}`],
      enforcerNamespace: tenant,
      enforcerID: nextID(),
    }),
  }));
  for (let from = 0; from < all.length; from += 20) {
    await store.commit(all.slice(from, from + 20).map(unit => create('processingunit', unit)));
  }
  return tenant;
}

const mapping = (tenant: NamespacePath, app: number, to: string) =>
  make('namespacemappingpolicy', tenant, {
    name: `${app} to ${to}`,
    subject: [[`app=${app}`]],
    mappedNamespace: to,
  });

/** How many units there are in each namespace of a tenant, by their `app`. */
async function placesIn(tenant: NamespacePath): Promise<Record<string, number>> {
  const places: Record<string, number> = {};
  let after: string | undefined;
  do {
    const query = { limit: 1000, ...(after === undefined ? {} : { after }) };
    const page = await store.listTree('processingunit', tenant, query);
    for (const { namespace, associatedTags } of page.items) {
      const place = `${associatedTags[0]} ${namespace.slice(tenant.length)}`;
      places[place] = (places[place] ?? 0) + 1;
    }
    after = page.next;
  } while (after !== undefined);
  return places;
}

/** Names of the executions that moved units of a namespace. */
const executions = (namespace: NamespacePath): string[] =>
  quick.database.handle
    .prepare('SELECT name, header FROM workflow_executions')
    .all()
    .flatMap(({ name, header }) =>
      JSON.parse(String(header)).input.namespace === namespace ? [String(name)] : [],
    );

const run = async ({ deliver, finish }: ReturnType<typeof moving>): Promise<void> => {
  await deliver();
  await finish();
};

describe('a changed mapping', () => {
  it('moves units to where they belong, in as many calls as it takes, and looks a second time', async () => {
    const tenant = await plant(5000);
    const policy = mapping(tenant, 1, 'a');
    await store.commit([create('namespacemappingpolicy', policy)]);
    const fed = moving();
    await run(fed);
    expect(await placesIn(tenant)).toEqual({ 'app=0 ': 2500, 'app=1 /a': 2500 });
    const [name = ''] = executions(tenant);
    expect(await fed.workflows.describe('move-units', name)).toMatchObject({
      status: 'SUCCEEDED',
      output: { namespace: tenant, passes: 2 },
    });
    const calls = fed.workflows
      .history('move-units', name)
      .filter(({ type, state }) => type === 'TaskStateEntered' && state === 'Move');
    // 2,000 units a call, and one that finds nothing to move.
    expect(calls).toHaveLength(3);
    const { items } = await store.activities(childPath(tenant, 'a'), { limit: 1 });
    expect(items[0]).toMatchObject({
      claims: ['@auth:realm=system', '@auth:subject=namespace-mapping'],
      requestID: name,
    });
  });

  it('holds up nobody: what it starts is all that whoever tells of it waits for', async () => {
    const tenant = await plant(500);
    await store.commit([create('namespacemappingpolicy', mapping(tenant, 1, 'a'))]);
    const commits: unknown[] = [];
    const counting = {
      ...store,
      commit: async (writes: Parameters<ObjectStore['commit']>[0]) => {
        commits.push(writes);
        await store.commit(writes);
      },
    };
    const { deliver, finish } = moving({ store: counting });
    await deliver();
    expect(commits.length).toBeLessThan(50);
    await finish();
    expect(commits).toHaveLength(250);
  });

  it('that changes again on the way counts as it is in the end, whichever workflow gets to it first', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(120), { minLength: 1, maxLength: 3 }), async moments => {
        const tenant = await plant(60);
        let policy: Stored<'namespacemappingpolicy'> = mapping(tenant, 1, 'a');
        await store.commit([create('namespacemappingpolicy', policy)]);
        let writes = 0;
        const changing: ObjectStore = {
          ...store,
          commit: async steps => {
            const turns = moments.filter(moment => moment === writes).length;
            writes += 1;
            for (let turn = 0; turn < turns; turn += 1) {
              const next = touch(
                'namespacemappingpolicy',
                { ...policy, mappedNamespace: policy.mappedNamespace === 'a' ? 'b' : 'a' },
                new Date(Date.parse(policy.updateTime) + 1),
              );
              await store.commit([
                { kind: 'update', resource: 'namespacemappingpolicy', object: next, seen: policy.updateTime },
              ]);
              policy = next;
            }
            await store.commit(steps);
          },
        };
        const fed = moving({ store: changing });
        await run(fed);
        await run(fed);
        expect(await placesIn(tenant)).toEqual({ 'app=0 ': 30, [`app=1 /${policy.mappedNamespace}`]: 30 });
      }),
      { numRuns: 15 },
    );
  });

  it('shares an execution with others of the same ten seconds', async () => {
    const tenant = await plant(20);
    const fed = moving();
    for (let at = 0; at < 30; at += 1) {
      const policy = { ...mapping(tenant, at % 3, 'a'), name: `${at}` };
      await store.commit([create('namespacemappingpolicy', policy)]);
      await fed.deliver();
    }
    await fed.finish();
    expect(await placesIn(tenant)).toEqual({ 'app=0 /a': 10, 'app=1 /a': 10 });
    expect(executions(tenant)).toHaveLength(1);
  });

  it('is heeded whenever it comes, beside whatever execution it finds: a law', async () => {
    const change = fc.record({
      app: fc.constantFrom(0, 1),
      to: fc.constantFrom('a', 'b'),
      wait: fc.constantFrom(0, 1, 4_999, 5_000, 9_999, 10_000, 14_999, 15_000, 60_000),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 6 }), async changes => {
        const tenant = await plant(6);
        const time = freshTime();
        const fed = moving({ time });
        const policies = new Map<number, Stored<'namespacemappingpolicy'>>();
        for (const { app, to, wait } of changes) {
          const before = policies.get(app);
          const after = before
            ? touch('namespacemappingpolicy', { ...before, mappedNamespace: to }, time.now())
            : mapping(tenant, app, to);
          const write = { resource: 'namespacemappingpolicy', object: after } as const;
          await store.commit([
            before ? { kind: 'update', ...write, seen: before.updateTime } : { kind: 'create', ...write },
          ]);
          policies.set(app, after);
          await fed.deliver();
          await fed.workflows.idle();
          time.advance(wait);
          await fed.workflows.idle();
        }
        await fed.finish();
        const place = (app: number) => {
          const to = policies.get(app)?.mappedNamespace;
          return `app=${app} ${to ? `/${to}` : ''}`;
        };
        expect(await placesIn(tenant)).toEqual({ [place(0)]: 3, [place(1)]: 3 });
      }),
      { numRuns: 25 },
    );
  });

  it('counts from when the namespace that it names is there', async () => {
    const tenant = await plant(10);
    const late = childPath(tenant, 'late');
    await store.commit([create('namespacemappingpolicy', mapping(tenant, 1, 'late/x'))]);
    const fed = moving();
    await run(fed);
    await store.commit([create('namespace', makeNamespace(late))]);
    await run(fed);
    expect(await placesIn(tenant)).toEqual({ 'app=0 ': 5, 'app=1 ': 5 });
    // What was told before is not told again: the new namespace alone starts it.
    quick.database.handle.exec('DELETE FROM changes');
    await store.commit([create('namespace', makeNamespace(childPath(late, 'x')))]);
    await run(fed);
    expect(await placesIn(tenant)).toEqual({ 'app=0 ': 5, 'app=1 /late/x': 5 });
  });

  it('starts nothing for a namespace that no mapping names', async () => {
    const tenant = await plant(2);
    await store.commit([create('namespacemappingpolicy', mapping(tenant, 1, 'a'))]);
    quick.database.handle.exec('DELETE FROM changes');
    await store.commit([create('namespace', makeNamespace(childPath(tenant, 'other')))]);
    await run(moving());
    expect(executions(tenant)).toEqual([]);
  });

  it('finds a unit that an index tells of late', async () => {
    const tenant = await plant(20);
    await store.commit([create('namespacemappingpolicy', mapping(tenant, 1, 'a'))]);
    let asked = 0;
    const stale: ObjectStore = {
      ...store,
      listTree: async (...args) => {
        asked += 1;
        const page = await store.listTree(...args);
        return asked > 1 ? page : { ...page, items: page.items.slice(10) };
      },
    };
    await run(moving({ store: stale }));
    expect(await placesIn(tenant)).toEqual({ 'app=0 ': 10, 'app=1 /a': 10 });
  });

  it('ends the same while the store is out, and when every task and every change is delivered twice', async () => {
    const tenant = await plant(50);
    await store.commit([create('namespacemappingpolicy', mapping(tenant, 1, 'a'))]);
    let faults = 0;
    const failing: ObjectStore = {
      ...store,
      commit: async writes => {
        faults += 1;
        if (faults % 7 === 0) throw fail('too_many_requests', 'try again');
        await store.commit(writes);
      },
    };
    const fed = moving({ store: failing, duplicateDelivery: () => 1 });
    await fed.deliver();
    await run(fed);
    expect(await placesIn(tenant)).toEqual({ 'app=0 ': 25, 'app=1 /a': 25 });
  });

  it('ends the same after kill -9 at any transition and around any write', { timeout: 60_000 }, async () => {
    const killedAt = async (point: number): Promise<number> => {
      const tenant = await plant(6);
      await store.commit([create('namespacemappingpolicy', mapping(tenant, 1, 'a'))]);
      let points = 0;
      const die = (): void => {
        points += 1;
        if (points >= point && point > 0) throw new Error('killed');
      };
      const dying: ObjectStore = {
        ...store,
        commit: async writes => {
          die();
          await store.commit(writes);
          die();
        },
      };
      const time = freshTime();
      const first = moving({ store: dying, onTransition: die, time });
      await first.deliver().catch(() => {});
      await first.finish();
      await run(moving({ time }));
      expect(await placesIn(tenant), `killed at point ${point}`).toEqual({ 'app=0 ': 3, 'app=1 /a': 3 });
      return points;
    };
    const points = await killedAt(0);
    for (let point = 1; point <= points; point += 1) await killedAt(point);
    console.info(`killed at each of ${points} points`);
    expect(points).toBeGreaterThan(10);
  });

  it('leaves every unit where its mappings lead, whatever they are: a law', async () => {
    const app = fc.constantFrom(0, 1);
    const to = fc.constantFrom('a', 'b', 'nowhere');
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(app, to), { maxLength: 4 }), async some => {
        const tenant = await plant(12);
        const policies = some.map(([kind, path]) => mapping(tenant, kind, path));
        for (const policy of policies) await store.commit([create('namespacemappingpolicy', policy)]);
        await run(moving());
        const gone = policies[0];
        if (gone) {
          const seen = gone.updateTime;
          await store.commit([{ kind: 'delete', resource: 'namespacemappingpolicy', object: gone, seen }]);
          await run(moving());
        }
        const { items } = await store.listTree('processingunit', tenant, { limit: 1000 });
        expect(items).toHaveLength(12);
        const clock = freshTime();
        for (const unit of items) {
          expect(await moveOf(unit, mappingsFrom({ store }), { clock, log: quiet })).toBeUndefined();
        }
      }),
      { numRuns: 15 },
    );
  });
});

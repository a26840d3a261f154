import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tasks } from '../../functions/tasks/index.ts';
import { load } from '../../local/asl/load.ts';
import { readStateMachines } from '../../local/workflows.ts';
import type { ObjectStore } from '../../shared/ports/object-store.ts';
import { fail } from '../../shared/schema/failure.ts';
import { importing, quickPlane, shown } from '../make/importing.ts';
import type { Plane } from '../make/plane.ts';
import { inventory, mustBeWhole, plant } from '../make/planted-import.ts';

let plane: Plane;
beforeAll(async () => {
  plane = await quickPlane();
});
afterAll(() => plane.stop());

describe('the file', () => {
  const machine = load('import-objects', readStateMachines()['import-objects'], Object.keys(tasks));
  const called = [...machine.states].flatMap(([name, state]) =>
    state.Type === 'Task' ? [{ name, ...state }] : [],
  );

  it('retries every task alike, never what is refused for good, each try with a timeout', () => {
    expect(called.map(({ name }) => name)).toEqual(['Plan', 'Validate', 'Apply', 'Finish', 'Tell']);
    for (const { Retry, TimeoutSeconds } of called) {
      expect(Retry).toEqual(called[0]?.Retry);
      expect(Retry[0]).toMatchObject({ MaxAttempts: 0 });
      expect(Retry[1]).toMatchObject({ JitterStrategy: 'FULL', BackoffRate: 2, MaxDelaySeconds: 60 });
      expect(TimeoutSeconds).toBeDefined();
    }
  });

  it('says how it ended whatever breaks off', () => {
    for (const { name, Catch } of called.filter(({ name }) => ['Plan', 'Validate', 'Apply'].includes(name)))
      expect(Catch, name).toMatchObject([{ ErrorEquals: ['States.ALL'], Next: 'Finish' }]);
  });
});

describe('an import of many objects', () => {
  it('comes to its end, in parts, each of which is looked at before any is applied', async () => {
    const planted = await plant(plane);
    const { deliver, finish, workflows, events } = importing(plane);
    await deliver();
    await finish();
    await mustBeWhole(plane, planted, 'undisturbed');
    const states = workflows
      .history('import-objects', planted.ID)
      .flatMap(({ type, state }) => (type === 'TaskStateEntered' ? [state] : []));
    expect(states).toEqual(['Plan', 'Validate', 'Validate', 'Apply', 'Apply', 'Finish', 'Tell']);
    expect(events).toHaveLength(1);
  });

  it('ends the same when every task is delivered twice', async () => {
    const planted = await plant(plane);
    const { deliver, finish } = importing(plane, { duplicateDelivery: () => 1 });
    await deliver();
    await finish();
    await mustBeWhole(plane, planted, 'twice');
  });

  it('says so when it cannot go on, and what it has applied', async () => {
    const planted = await plant(plane);
    let writes = 0;
    const store: ObjectStore = {
      ...plane.deps.store,
      commit: async all => {
        if (all.some(({ kind }) => kind === 'create') && ++writes > 2)
          throw fail('unavailable', 'it is full');
        await plane.deps.store.commit(all);
      },
    };
    const { deliver, finish } = importing(plane, { store });
    await deliver();
    await finish();
    const run = await shown(plane.root, planted.tenant, planted.ID);
    expect(run.status).toBe('Failed');
    expect(run.reason).toMatch(
      /^Apply broke off: .*it is full.*; \d+ of 218 objects were applied; import it again/,
    );
    const found = Object.values(await inventory(plane, planted.tenant)).reduce(
      (sum, count) => sum + count,
      0,
    );
    expect(found).toBe(6 + run.created);
  });
});

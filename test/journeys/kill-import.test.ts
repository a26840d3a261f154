import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ObjectStore } from '../../shared/ports/object-store.ts';
import { fail } from '../../shared/schema/failure.ts';
import { importing, quickPlane } from '../make/importing.ts';
import type { Plane } from '../make/plane.ts';
import { mustBeWhole, plant } from '../make/planted-import.ts';

let plane: Plane;
beforeAll(async () => {
  plane = await quickPlane();
});
afterAll(() => plane.stop());

describe('an import of many objects', () => {
  it('ends the same after kill -9 at any transition, before or after it is recorded', {
    timeout: 240_000,
  }, async () => {
    const killedAt = async (point: number): Promise<number> => {
      const planted = await plant(plane);
      let points = 0;
      const onTransition = () => {
        points += 1;
        if (points === point) throw new Error('killed');
      };
      const first = importing(plane, { onTransition });
      await first.deliver().catch(() => {});
      await first.finish();
      const second = importing(plane);
      await second.deliver();
      await second.finish();
      await mustBeWhole(plane, planted, `killed at point ${point}`);
      return points;
    };
    const points = await killedAt(0);
    for (let point = 1; point <= points; point += 1) expect(await killedAt(point)).toBe(point);
    console.info(`killed at each of ${points} points of ${points / 2} transitions`);
  });

  it('ends the same when a task dies before or after any of its writes', { timeout: 240_000 }, async () => {
    const dyingAt = async (point: number): Promise<number> => {
      const planted = await plant(plane);
      let points = 0;
      const die = () => {
        points += 1;
        if (points === point) throw fail('unavailable', 'the task died');
      };
      const dying: ObjectStore = {
        ...plane.deps.store,
        commit: async writes => {
          die();
          await plane.deps.store.commit(writes);
          die();
        },
      };
      const { deliver, finish } = importing(plane, { store: dying });
      await deliver();
      await finish();
      await mustBeWhole(plane, planted, `dead at point ${point}`);
      return points;
    };
    const points = await dyingAt(0);
    for (let point = 1; point <= points; point += 1) await dyingAt(point);
    console.info(`dead at each of ${points} points around ${points / 2} writes`);
  });
});

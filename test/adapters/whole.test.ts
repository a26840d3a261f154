import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readingWhole, sumOf, type WholeReads, weightOf } from '../../shared/adapters/table/whole.ts';
import { touch } from '../../shared/core/object.ts';
import type { Stored } from '../../shared/ports/object-store.ts';
import { testClock } from '../make/clock.ts';
import { freshTenant, makeAuthorization, makeNetwork } from '../make/objects.ts';

type Policy = Stored<'apiauthorizationpolicy'>;

const tenant = freshTenant();
const policies = Array.from({ length: 5 }, (_, at) =>
  makeAuthorization(tenant, `policy ${at}`, [['@auth:realm=oidc', `@auth:email=${at}`]]),
);

/** A table, and how often it was read. */
function table(some: readonly Policy[]) {
  const objects = new Map(some.map(policy => [policy.ID, policy]));
  const state = { objects, sum: sumOf(some), lists: 0, sums: 0 };
  const reads: WholeReads = {
    sum: async () => {
      state.sums += 1;
      return state.sum;
    },
    list: async () => {
      state.lists += 1;
      return [...objects.values()];
    },
  };
  return { state, reads };
}

describe('all objects of a namespace', () => {
  it('are read once, and after that their sum alone, until one changes', async () => {
    const { state, reads } = table(policies);
    const all = readingWhole(reads, testClock());
    const asked = () => all('apiauthorizationpolicy', tenant);
    const first = await asked();
    expect(first).toEqual(policies);
    for (const _ of [1, 2, 3]) expect(await asked()).toBe(first);
    expect(state).toMatchObject({ lists: 1, sums: 4 });
    const [one] = policies;
    if (!one) throw new Error('there are five');
    state.objects.delete(one.ID);
    state.sum -= weightOf(one);
    expect(await asked()).toEqual(policies.slice(1));
    await asked();
    expect(state.lists).toBe(2);
  });

  it('are one reading for all who ask at once, before and after a change', async () => {
    const { state, reads } = table(policies);
    const all = readingWhole(reads, testClock());
    const asked = () => Promise.all(Array.from({ length: 50 }, () => all('apiauthorizationpolicy', tenant)));
    await asked();
    expect(state.lists).toBe(1);
    const [one] = policies;
    if (!one) throw new Error('there are five');
    const next = touch('apiauthorizationpolicy', { ...one, disabled: true }, new Date());
    state.objects.set(one.ID, next);
    state.sum += weightOf(next) - weightOf(one);
    for (const list of await asked()) expect(list[0]).toEqual(next);
    expect(state.lists).toBeLessThanOrEqual(3);
  });

  it('are read each time where no sum was kept of them', async () => {
    const { state, reads } = table(policies);
    state.sum = 0n;
    const all = readingWhole(reads, testClock());
    for (const _ of [1, 2, 3]) expect(await all('apiauthorizationpolicy', tenant)).toEqual(policies);
    expect(state.lists).toBe(3);
  });

  it('are read anew after five minutes, so that what was written past the store does not stay unseen', async () => {
    const { state, reads } = table(policies);
    const clock = testClock();
    const all = readingWhole(reads, clock);
    await all('apiauthorizationpolicy', tenant);
    state.objects.clear();
    expect(await all('apiauthorizationpolicy', tenant)).toHaveLength(5);
    clock.advance(5 * 60_000);
    expect(await all('apiauthorizationpolicy', tenant)).toEqual([]);
  });

  it('of a resource without sums are refused', async () => {
    const all = readingWhole(table([]).reads, testClock());
    await expect(all('externalnetwork', tenant)).rejects.toMatchObject({ kind: 'bad_request' });
    expect(sumOf([makeNetwork(tenant, 'a')])).not.toBe(sumOf([makeNetwork(tenant, 'a')]));
  });

  it('are forgotten before they fill the memory', async () => {
    const many = Array.from({ length: 20_000 }, (_, at) => ({ ...policies[at % 5], ID: `${at}` }) as Policy);
    const { state, reads } = table(many);
    const all = readingWhole(reads, testClock());
    const places = [freshTenant(), freshTenant(), freshTenant()] as const;
    for (const place of places) await all('apiauthorizationpolicy', place);
    await all('apiauthorizationpolicy', places[2]);
    expect(state.lists).toBe(3);
    await all('apiauthorizationpolicy', places[0]);
    expect(state.lists).toBe(4);
  });

  it('are never older than what was acknowledged before they were asked for, however reads and the halves of a write meet: a law', async () => {
    // Steps to wait at each point: two at each read, three around each write.
    const waits = fc.infiniteStream(fc.nat(6));
    await fc.assert(
      fc.asyncProperty(waits, fc.integer({ min: 1, max: 6 }), fc.boolean(), async (steps, writes, first) => {
        const wait = async (): Promise<void> => {
          for (let left = steps.next().value; left > 0; left -= 1) await Promise.resolve();
        };
        let [stored] = policies;
        if (!stored) throw new Error('there are five');
        const state = { policy: stored, sum: weightOf(stored), acknowledged: stored.updateTime };
        const reads: WholeReads = {
          sum: async () => {
            await wait();
            const { sum } = state;
            await wait();
            return sum;
          },
          list: async () => {
            await wait();
            const list = [state.policy];
            await wait();
            return list;
          },
        };
        const all = readingWhole(reads, testClock());
        let isOver = false;
        const write = async (): Promise<void> => {
          for (let left = writes; left > 0; left -= 1) {
            await wait();
            const before: Policy = stored as Policy;
            const next = touch('apiauthorizationpolicy', before, new Date(0));
            // A transaction becomes visible item by item, in any order, before it is acknowledged.
            const halves = [
              () => {
                state.policy = next;
              },
              () => {
                state.sum += weightOf(next) - weightOf(before);
              },
            ];
            for (const half of first ? halves : halves.toReversed()) {
              half();
              await wait();
            }
            stored = next;
            state.acknowledged = next.updateTime;
          }
          isOver = true;
        };
        const read = async (): Promise<void> => {
          while (!isOver) {
            const { acknowledged } = state;
            const [found] = await all('apiauthorizationpolicy', tenant);
            expect((found?.updateTime ?? '') >= acknowledged).toBe(true);
            await wait();
          }
        };
        await Promise.all([write(), read(), read(), read()]);
        expect(await all('apiauthorizationpolicy', tenant)).toEqual([stored]);
      }),
      { numRuns: 300 },
    );
  });
});

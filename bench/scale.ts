import { type Crowd, countingReads, crowd, pagesOfCrowd, type Reads } from '../test/make/crowd.ts';
import { freshTenant } from '../test/make/objects.ts';
import { openPlane } from '../test/make/plane.ts';
import { median } from './clients/load.ts';
import type { Bench, Row } from './row.ts';

const FEW = 1000;
const MANY = 1_000_000;
const ROUNDS = 50;

const number = (value: number): string => value.toLocaleString('en');

/** Pages of a tenant of a million objects beside those of one of a thousand: what they read must be the same. */
export const bench: Bench = {
  name: 'scale',
  run: async () => {
    const reads: Reads = { calls: 0, objects: 0 };
    const plane = await openPlane(deps => ({ ...deps, store: countingReads(deps.store, reads) }));
    try {
      const few = await crowd(plane.deps.store, freshTenant(), FEW);
      const begun = performance.now();
      const many = await crowd(plane.deps.store, freshTenant(), MANY);
      const seconds = (performance.now() - begun) / 1000;
      const once = async (of: Crowd, at: number): Promise<{ milliseconds: number; cost: string }> => {
        const [, namespace = '', query = ''] = pagesOfCrowd(of)[at] ?? [];
        Object.assign(reads, { calls: 0, objects: 0 });
        const start = performance.now();
        const { status, text } = await plane.root(`GET /externalnetworks?${query}`, namespace);
        const milliseconds = performance.now() - start;
        if (status !== 200) throw new Error(text);
        return { milliseconds, cost: `${reads.calls} calls, ${reads.objects} objects` };
      };
      const rows: Row[] = [];
      for (const [at, [what]] of pagesOfCrowd(many).entries()) {
        const [small, large] = [await once(few, at), await once(many, at)];
        if (small.cost !== large.cost)
          throw new Error(`${what}: ${large.cost} in the large tenant, ${small.cost} in the small one`);
        const times: { small: number[]; large: number[] } = { small: [], large: [] };
        for (let round = 0; round < ROUNDS; round++) {
          times.large.push((await once(many, at)).milliseconds);
          times.small.push((await once(few, at)).milliseconds);
        }
        rows.push({
          name: `${what}, ${large.cost}, of ${number(MANY)} objects`,
          value: median(times.large),
          unit: 'ms',
          peer: { value: median(times.small), unit: 'ms', what: `of ${number(FEW)} objects, same reads` },
        });
      }
      return [{ name: 'creating them, 50 a transaction', value: MANY / seconds, unit: 'objects/s' }, ...rows];
    } finally {
      await plane.stop();
    }
  },
};

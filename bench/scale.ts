import {
  type Crowd,
  countingReads,
  crowd,
  emptyTenant,
  OF_A_HOST,
  pagesOfCrowd,
  type Reads,
  unitCrowd,
} from '../test/make/crowd.ts';
import { freshTenant } from '../test/make/objects.ts';
import { openPlane, type Plane } from '../test/make/plane.ts';
import { median } from './clients/load.ts';
import { type Bench, grouped, type Row } from './row.ts';
import { typical } from './timing.ts';

const FEW = 1000;
const MANY = 1_000_000;
/** Processing units of a tenant. */
const UNITS = 100_000;
const ROUNDS = 50;

/** The same question to a large tenant and to a small one. */
interface Asked {
  what: string;
  /** What there is of it, and in the small one. */
  of: readonly [large: string, small: string];
  large: string;
  small: string;
  path: string;
  query: readonly [large: string, small: string];
}

/** How long it takes in both; fails where they do not read the same. */
async function compared(asked: Asked, { root }: Plane, reads: Reads): Promise<Row> {
  const once = async (namespace: string, query: string): Promise<{ milliseconds: number; cost: string }> => {
    Object.assign(reads, { calls: 0, objects: 0 });
    const start = performance.now();
    const { status, text } = await root(`GET /${asked.path}?${query}`, namespace);
    const milliseconds = performance.now() - start;
    if (status !== 200) throw new Error(text);
    return { milliseconds, cost: `${reads.calls} calls, ${reads.objects} objects` };
  };
  const large = () => once(asked.large, asked.query[0]);
  const small = () => once(asked.small, asked.query[1]);
  const [{ cost: dear }, { cost: cheap }] = [await large(), await small()];
  if (cheap !== dear)
    throw new Error(`${asked.what}: ${dear} in the large tenant, ${cheap} in the small one`);
  const times: { small: number[]; large: number[] } = { small: [], large: [] };
  for (let round = 0; round < ROUNDS; round++) {
    times.large.push((await large()).milliseconds);
    times.small.push((await small()).milliseconds);
  }
  return {
    name: `${asked.what}, ${dear}, of ${asked.of[0]}`,
    value: median(times.large),
    unit: 'ms',
    peer: { value: median(times.small), unit: 'ms', what: `of ${asked.of[1]}, same reads` },
  };
}

const pagesOf = (many: Crowd, few: Crowd): Asked[] => {
  const small = pagesOfCrowd(few);
  return pagesOfCrowd(many).map(([what, large, query], at) => ({
    what,
    of: [`${grouped(MANY)} objects`, `${grouped(FEW)} objects`],
    large,
    small: small[at]?.[1] ?? '',
    path: 'externalnetworks',
    query: [query, small[at]?.[2] ?? ''],
  }));
};

/** What an agent asks when it begins: the units of its enforcer, and its enforcer by the machine. */
async function agentsQuestions({ deps }: Plane): Promise<Asked[]> {
  const filled = async (size: number) => {
    const tenant = await emptyTenant(deps.store);
    return { tenant, enforcer: await unitCrowd(deps.store, tenant, size) };
  };
  const [large, small] = [await filled(UNITS), await filled(FEW)];
  const q = (text: string): string => `q=${encodeURIComponent(text)}`;
  const units = ({ ID }: { ID: string }) => `recursive&limit=500&${q(`enforcerID == "${ID}"`)}`;
  const machine = ({ machineID }: { machineID: string }) => q(`machineID == "${machineID}"`);
  const places = { large: large.tenant, small: small.tenant };
  const hosts = (size: number): string => `${grouped(size / OF_A_HOST)} enforcers`;
  return [
    {
      ...places,
      what: 'processing units of one enforcer',
      of: [`${grouped(UNITS)} units`, `${grouped(FEW)} units`],
      path: 'processingunits',
      query: [units(large.enforcer), units(small.enforcer)],
    },
    {
      ...places,
      what: 'enforcer of a machine',
      of: [hosts(UNITS), hosts(FEW)],
      path: 'enforcers',
      query: [machine(large.enforcer), machine(small.enforcer)],
    },
  ];
}

/** A page of what is below the root, where there are many tenants: by an index, and by what no index knows. */
async function fromRoot({ root }: Plane, reads: Reads, { middle }: Crowd): Promise<Row[]> {
  const asked: [string, string][] = [
    ['page by ID below the root', `ID == "${middle}"`],
    ['page below the root by a filter that no index serves, and nothing passes', 'name == "nothing"'],
  ];
  const rows: Row[] = [];
  for (const [what, q] of asked) {
    const value = await typical(ROUNDS, async () => {
      Object.assign(reads, { calls: 0, objects: 0 });
      const { status, text } = await root(
        `GET /externalnetworks?recursive&limit=100&q=${encodeURIComponent(q)}`,
        '/',
      );
      if (status !== 200) throw new Error(text);
    });
    const { calls, objects } = reads;
    rows.push({
      name: `${what}, ${calls} calls, ${grouped(objects)} objects, of ${grouped(MANY + FEW)} objects`,
      value,
      unit: 'ms',
    });
  }
  return rows;
}

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
      const rows: Row[] = [
        { name: 'creating them, 50 a transaction', value: MANY / seconds, unit: 'objects/s' },
      ];
      for (const asked of [...pagesOf(many, few), ...(await agentsQuestions(plane))])
        rows.push(await compared(asked, plane, reads));
      return [...rows, ...(await fromRoot(plane, reads, many))];
    } finally {
      await plane.stop();
    }
  },
};

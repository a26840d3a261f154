import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Stored } from '../../shared/ports/object-store.ts';
import { NamespacePath, type ObjectId } from '../../shared/schema/ids.ts';
import type { Answer } from '../make/call.ts';
import { create, freshTenant, makeNamespace, makeUnit, nextID } from '../make/objects.ts';
import { type Caller, openPlane, type Plane } from '../make/plane.ts';

let plane: Plane;
/** How units were asked for. */
const asked = new Set<string>();
beforeAll(async () => {
  plane = await openPlane(deps => {
    const store = new Proxy(deps.store, {
      get(target, name) {
        const method: unknown = Reflect.get(target, name);
        if (typeof method !== 'function') return method;
        return (...sent: unknown[]) => {
          if (sent[0] === 'processingunit') asked.add(String(name));
          return Reflect.apply(method, target, sent);
        };
      },
    });
    return { ...deps, store };
  });
});
afterAll(() => plane.stop());

const PLACES = ['', '/a', '/a/b', '/a-b', '/ab', '/z'];
const ENFORCERS = [nextID(), nextID(), nextID()];
const enforcerOf = (at: number): ObjectId | '' => ENFORCERS[at] ?? '';

/** A unit: where, whose (3: nobody's), and what filters tell apart. */
interface Planted {
  place: string;
  enforcer: number;
  name: string;
  status: Stored<'processingunit'>['operationalStatus'];
  addresses: string[];
}
const unit: fc.Arbitrary<Planted> = fc.record({
  place: fc.constantFrom(...PLACES),
  enforcer: fc.nat(3),
  name: fc.constantFrom('a', 'b', 'c'),
  status: fc.constantFrom('Running', 'Stopped'),
  addresses: fc.subarray(['10.0.0.1', '10.0.0.2']),
});

const whose = fc.oneof(
  fc.nat(2).map(at => `enforcerID == "${enforcerOf(at)}"`),
  fc.subarray([0, 1, 2], { minLength: 1 }).map(some => `enforcerID in [${some.map(enforcerOf).join(', ')}]`),
);
const condition = fc.constantFrom(
  'name == a',
  'name != a',
  'operationalStatus == Running',
  'addresses contains 10.0.0.1',
  'name matches "^[ab]$"',
  `enforcerID != "${enforcerOf(0)}"`,
  `enforcerID == "${enforcerOf(1)}"`,
  'createTime > now("-1000000h")',
);
/** Of whose units an index can tell, with whatever else they must be. */
const { filter } = fc.letrec<{ filter: string; more: string }>(tie => ({
  more: fc.oneof(
    { maxDepth: 2 },
    condition,
    fc.tuple(tie('more'), fc.constantFrom('and', 'or'), tie('more')).map(parts => `(${parts.join(' ')})`),
  ),
  filter: fc.oneof(
    { maxDepth: 2 },
    whose,
    fc.tuple(whose, tie('more')).map(([left, right]) => `(${left} and ${right})`),
    fc.tuple(tie('more'), whose).map(([left, right]) => `(${left} and ${right})`),
    fc.tuple(tie('filter'), tie('filter')).map(([left, right]) => `(${left} or ${right})`),
  ),
}));

/** The same question, in a way that no index can answer. */
const unindexed = (text: string): string => `(${text}) or name == "nobody is called so"`;

/** `gone`: a namespace that is being removed; the tenant is not. */
async function planted(units: readonly Planted[], gone = ''): Promise<string> {
  const tenant = freshTenant();
  const at = (path: string) => NamespacePath.parse(`${tenant}${path}`);
  for (const path of PLACES) {
    const namespace = makeNamespace(at(path));
    await plane.deps.store.commit([create('namespace', namespace)]);
    if (path !== gone || path === '') continue;
    const object: Stored<'namespace'> = { ...namespace, deletion: 'Purging' };
    await plane.deps.store.commit([
      { kind: 'update', resource: 'namespace', object, seen: namespace.updateTime },
    ]);
  }
  for (const { place, enforcer, name, status: operationalStatus, addresses } of units) {
    const object: Stored<'processingunit'> = {
      ...makeUnit(at(place), name, addresses),
      operationalStatus,
      enforcerID: enforcerOf(enforcer),
    };
    await plane.deps.store.commit([create('processingunit', object)]);
  }
  return tenant;
}

const asking = (namespace: string, by: Caller = plane.root) => {
  const ask = (verb: 'GET' | 'HEAD', text: string, more: string): Promise<Answer> =>
    by(`${verb} /processingunits?q=${encodeURIComponent(text)}${more}`, namespace);
  const walked = async (text: string, more: string, limit: number): Promise<unknown[]> => {
    const all: unknown[] = [];
    let next = '';
    do {
      const answer = await ask('GET', text, `${more}&limit=${limit}${next && `&after=${next}`}`);
      expect(answer.status, answer.text).toBe(200);
      expect(answer.list.length).toBeLessThanOrEqual(limit);
      all.push(...answer.list);
      next = encodeURIComponent(answer.headers['x-next'] ?? '');
    } while (next !== '');
    return all;
  };
  const listed = async (text: string, more: string) => {
    const { status, headers, list } = await ask('GET', text, more);
    return { status, total: headers['x-count-total'], list };
  };
  const counted = async (text: string, more: string) =>
    (await ask('HEAD', text, more)).headers['x-count-total'];
  return { ask, walked, listed, counted };
};

describe('units by their enforcer', () => {
  it('are by the index the ones that the filter passes: in lists, pages of each kind, orders and counts', async () => {
    const order = fc.constantFrom('', '&order=-name', '&order=operationalStatus&order=-ID');
    await fc.assert(
      fc.asyncProperty(
        fc.array(unit, { maxLength: 14 }),
        filter,
        fc.constantFrom(...PLACES),
        fc.constantFrom(...PLACES),
        fc.boolean(),
        order,
        fc.integer({ min: 1, max: 5 }),
        async (units, text, place, gone, recursive, by, size) => {
          // Nobody asks in what is being removed.
          fc.pre(gone === '' || !`${place}/`.startsWith(`${gone}/`));
          const tenant = await planted(units, gone);
          const { listed, walked, counted } = asking(`${tenant}${place}`);
          const other = unindexed(text);
          const more = recursive ? '&recursive' : '';
          asked.clear();
          const found = {
            all: await listed(text, `${more}${by}`),
            page: await listed(text, `${more}${by}&page=2&pagesize=${size}`),
            walked: await walked(text, more, size),
            count: await counted(text, more),
          };
          expect([...asked].filter(name => name.startsWith('list'))).toEqual(['listBy']);
          asked.clear();
          expect(found).toEqual({
            all: await listed(other, `${more}${by}`),
            page: await listed(other, `${more}${by}&page=2&pagesize=${size}`),
            walked: await walked(other, more, size),
            count: await counted(other, more),
          });
          expect([...asked]).not.toContain('listBy');
        },
      ),
      { numRuns: 100 },
    );
  });

  it('are only those of the namespace that the caller may list, whoever else has the same enforcer', async () => {
    const one: Planted = { place: '/a', enforcer: 0, name: 'a', status: 'Running', addresses: [] };
    const places = ['', '/a', '/a/b', '/a-b', '/z'];
    const tenant = await planted(places.map(place => ({ ...one, place })));
    const member = await plane.member(`${tenant}/a`, ['enforcer']);
    const text = `enforcerID == "${enforcerOf(0)}"`;
    const inside = asking(`${tenant}/a`, member);
    const there = (await inside.listed(text, '&recursive')).list.map(({ namespace }) => namespace);
    expect(there).toEqual([`${tenant}/a`, `${tenant}/a/b`]);
    expect(await inside.walked(text, '&recursive', 1)).toHaveLength(2);
    for (const place of ['', '/a-b', '/z']) {
      const refused = await asking(`${tenant}${place}`, member).ask('GET', text, '&recursive');
      expect(refused.status, place).toBe(403);
    }
  });

  it('are a page at a time those that are asked for, and nothing of those of others is read', async () => {
    const one: Planted = { place: '/a', enforcer: 0, name: 'a', status: 'Running', addresses: [] };
    const tenant = await planted(
      Array.from({ length: 30 }, (_, at) => ({ ...one, enforcer: at < 5 ? 0 : 1 })),
    );
    const { ask } = asking(tenant);
    const text = `enforcerID == "${enforcerOf(0)}"`;
    const lengths: number[] = [];
    let next = '';
    do {
      const answer = await ask('GET', text, `&recursive&limit=2${next && `&after=${next}`}`);
      lengths.push(answer.list.length);
      next = encodeURIComponent(answer.headers['x-next'] ?? '');
    } while (next !== '');
    expect(lengths).toEqual([2, 2, 1]);
  });
});

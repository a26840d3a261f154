import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';

type Links = readonly (readonly [string, string, number])[];
interface Size {
  width: number;
  height: number;
}
interface How {
  parentOf(ID: string): string | undefined;
  sizeOf(ID: string): Size;
  leastOf(parent: string): Size;
}
type Places = Map<string, { x: number; y: number }>;
interface Layout {
  columnsOf(IDs: readonly string[], links: Links): Map<string, number>;
  positions(IDs: readonly string[], links: Links, how: How): Places;
  downwards(IDs: readonly string[], links: Links, how: How): Places;
}
interface Model {
  looksOf(edge: object): { color: string; dashed: boolean };
  fateOf(edge: object): string;
}
// What a browser loads: without types.
const moduleAt = async (name: string): Promise<unknown> => import(`../../functions/documents/map/${name}.js`);
const { columnsOf, positions, downwards } = (await moduleAt('layout')) as Layout;
const { looksOf, fateOf } = (await moduleAt('model')) as Model;

test.each([
  [[5, 0, 0, 0], 'green', false, 'allowed by rules'],
  [[5, 0, 5, 0], 'green', true, 'allowed by default action'],
  [[5, 0, 2, 0], 'green', true, 'allowed by rules and default action'],
  [[0, 5, 0, 0], 'red', false, 'rejected by rules'],
  [[0, 5, 0, 5], 'red', true, 'rejected by default action'],
  [[5, 5, 0, 0], 'orange', false, 'allowed by rules, rejected by rules'],
  [[5, 5, 0, 5], 'orange', true, 'allowed by rules, rejected by default action'],
])('%j accepted, rejected, and of each by default is %s, dashed: %s', (counts, color, dashed, fate) => {
  const [acceptedFlows, rejectedFlows, acceptedByDefault, rejectedByDefault] = counts;
  const edge = { acceptedFlows, rejectedFlows, acceptedByDefault, rejectedByDefault };
  expect(looksOf(edge)).toEqual({ color, dashed });
  expect(fateOf(edge)).toBe(fate);
});

const ID = fc.constantFrom(...'abcdefghijkl');
const IDs = fc.uniqueArray(ID, { minLength: 1 });
const graph = IDs.chain(all => {
  const one = fc.constantFrom(...all);
  const group = fc.constantFrom(undefined, 'x', 'y');
  return fc.record({
    IDs: fc.constant(all),
    links: fc.array(fc.tuple(one, one, fc.integer({ min: 1, max: 9 })), { maxLength: 30 }),
    parents: fc.dictionary(ID, group, { maxKeys: 12 }),
  });
});
const SIZE = { width: 80, height: 34 };
type Graph = { IDs: string[]; links: Links; parents: object };
const layouts = [positions, downwards].map(layout => ({ IDs, links, parents }: Graph) => {
  const parentOf = (one: string) => Reflect.get(parents, one) as string | undefined;
  return layout(IDs, links, { parentOf, sizeOf: () => SIZE, leastOf: () => ({ width: 200, height: 34 }) });
});

describe.each([
  ['to the right', layouts[0]],
  ['downwards', layouts[1]],
])('the layout %s', (_how, layout) => {
  const places = (one: Graph): Places => layout?.(one) ?? new Map();

  it('places everything, nothing upon another, and the same way whatever the order of the nodes', () => {
    fc.assert(
      fc.property(graph, one => {
        const at = places(one);
        expect([...at.keys()].sort()).toEqual([...one.IDs].sort());
        const all = [...at.values()];
        for (const [index, a] of all.entries())
          for (const b of all.slice(index + 1))
            expect(Math.abs(a.x - b.x) >= SIZE.width || Math.abs(a.y - b.y) >= SIZE.height).toBe(true);
        const again = places({ ...one, IDs: one.IDs.toReversed() });
        expect(Object.fromEntries(again)).toEqual(Object.fromEntries(at));
      }),
    );
  });

  it('keeps groups apart: the box around one holds no node of another', () => {
    fc.assert(
      fc.property(graph, one => {
        const at = [...places(one)];
        for (const group of ['x', 'y']) {
          const isIn = (ID: string) => Reflect.get(one.parents, ID) === group;
          const inside = at.filter(([ID]) => isIn(ID)).map(([, place]) => place);
          if (inside.length === 0) continue;
          const [xs, ys] = [inside.map(({ x }) => x), inside.map(({ y }) => y)];
          for (const [, { x, y }] of at.filter(([ID]) => !isIn(ID))) {
            const across = x > Math.min(...xs) - SIZE.width && x < Math.max(...xs) + SIZE.width;
            const along = y > Math.min(...ys) - SIZE.height && y < Math.max(...ys) + SIZE.height;
            expect(across && along).toBe(false);
          }
        }
      }),
    );
  });

  it('places the most that a map holds in a moment', () => {
    const all = Array.from({ length: 2000 }, (_, at) => `n${at}`);
    const links: Links = Array.from({ length: 3000 }, (_, at) => [
      `n${(at * 7) % 2000}`,
      `n${(at * 13 + 1) % 2000}`,
      1 + (at % 5),
    ]);
    const begun = performance.now();
    expect(places({ IDs: all, links, parents: {} }).size).toBe(2000);
    expect(performance.now() - begun).toBeLessThan(5000);
  });
});

test('a column goes from left to right as flows do, and of a circle turns back where the fewest go', () => {
  const chain: Links = [
    ['internet', 'web', 9],
    ['web', 'db', 9],
    ['db', 'internet', 1],
    ['web', 'web', 5],
  ];
  const links = chain.filter(([from, to]) => from !== to);
  expect([...columnsOf(['db', 'internet', 'web'], links)].sort()).toEqual([
    ['db', 2],
    ['internet', 0],
    ['web', 1],
  ]);
});

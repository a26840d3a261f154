import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { grouped, readViews } from '../../../shared/core/dependency-map/groups.ts';
import type { MapNode } from '../../../shared/core/dependency-map/nodes.ts';

const node = (ID: string, ...tags: string[]): MapNode => ({
  ID,
  type: 'ProcessingUnit',
  name: ID,
  namespace: '',
  tags,
  resolved: true,
});
/** Names of the groups around each node, outermost first. */
function paths(view: string, nodes: readonly MapNode[]): Record<string, string> {
  const found = grouped(Object.fromEntries(nodes.map(one => [one.ID, one])), readViews(view));
  const path = (ID: string): string[] => {
    const group = found.groups[ID];
    return group
      ? [...path(group.parentID), group.color ? `${group.name} (${group.color})` : group.name]
      : [];
  };
  return Object.fromEntries(nodes.map(({ ID }) => [ID, path(found.nodes[ID]?.groupID ?? '').join(' > ')]));
}

const NODES = [
  node('a', 'app=web', 'env=prod', 'name=a b'),
  node('b', 'app=web-2', 'env=test'),
  node('c', 'env=prod'),
  node('d'),
];

test.each<[string, Record<string, string>]>([
  ['app', { a: 'web', b: 'web-2', c: '', d: '' }],
  ['app=web', { a: 'app=web', b: '', c: '', d: '' }],
  ['app=web*', { a: 'web', b: 'web-2', c: '', d: '' }],
  ['app as App in blue', { a: 'App web (blue)', b: 'App web-2 (blue)', c: '', d: '' }],
  ['app=web as "the shop" IN #0af', { a: 'the shop (#0af)', b: '', c: '', d: '' }],
  ['env then app', { a: 'prod > web', b: 'test > web-2', c: 'prod', d: '' }],
  ['app then nothing, env in red', { a: 'web', b: 'web-2', c: 'prod (red)', d: '' }],
  ['"name=a b" as "then"', { a: 'then', b: '', c: '', d: '' }],
])('view %s', (view, expected) => {
  expect(paths(view, NODES)).toEqual(expected);
});

test.each([
  ['', 'a tag is missing'],
  ['app,', 'a tag is missing'],
  ['app as', 'the name of app is missing'],
  ['app in', 'the color of app is missing'],
  ['app in "url(x)"', '`url(x)` is no color'],
  ['app env', '`env` is out of place'],
  ['app "x', 'a quote is not closed'],
  ['a then b then c then d then e then f', 'more than 5 levels'],
  [Array.from({ length: 21 }, () => 'app').join(','), 'more than 20 groups'],
  ['x'.repeat(1025), 'more than 1024 characters'],
])('view %s is refused', (view, why) => {
  expect(() => readViews(view)).toThrow(expect.objectContaining({ message: expect.stringContaining(why) }));
});

describe('groups', () => {
  it('hold every node at most once, each within groups that are there, by tags that it has', () => {
    const tag = fc.constantFrom('app=a', 'app=b', 'env=p', 'env=q', '__proto__=x');
    const key = fc.constantFrom('app', 'env', 'app=a', 'env=*', '__proto__');
    const view = fc
      .array(fc.array(key, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 4 })
      .map(all => all.map(levels => levels.join(' then ')).join(', '));
    const nodes = fc.array(fc.uniqueArray(tag)).map(all => all.map((tags, at) => node(`n${at}`, ...tags)));
    fc.assert(
      fc.property(view, nodes, (text, all) => {
        const found = grouped(Object.fromEntries(all.map(one => [one.ID, one])), readViews(text));
        for (const one of Object.values(found.nodes)) {
          const own = one.groupID === '' ? undefined : found.groups[one.groupID];
          expect(one.groupID === '' || own !== undefined).toBe(true);
          expect(own?.match[0]?.every(wanted => one.tags.includes(wanted)) ?? true).toBe(true);
        }
        for (const group of Object.values(found.groups)) {
          expect(group.parentID === '' || found.groups[group.parentID] !== undefined).toBe(true);
        }
      }),
    );
  });
});

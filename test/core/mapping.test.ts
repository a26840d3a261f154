import { describe, expect, test } from 'vitest';
import {
  MAX_HOPS,
  type Mapping,
  mapProcessingUnit,
  mappedPath,
  reachable,
} from '../../shared/core/mapping.ts';
import type { Tag } from '../../shared/schema/tag.ts';
import { type Entry, make, makeNamespace, objectId, pathOf, viewOf } from './objects.ts';

const tags = (...list: string[]) => list as Tag[];
const mapping = (id: number, from: string, to: string, ...clause: string[]): Mapping => ({
  ID: objectId(id),
  name: `mapping-${id}`,
  namespace: pathOf(from),
  mappedNamespace: pathOf(to),
  subject: [tags(...clause)],
});

const place = (mappings: Mapping[], ...unit: string[]) =>
  mapProcessingUnit(mappings, pathOf('/t'), tags(...unit));

describe('a processing unit', () => {
  test('stays where it starts when no mapping selects it', () => {
    expect(place([mapping(1, '/t', '/t/a', 'app=b')], 'app=a')).toEqual({ namespace: '/t', hops: [] });
  });

  test('moves down as long as a mapping selects it', () => {
    const mappings = [mapping(1, '/t', '/t/a', 'app=a'), mapping(2, '/t/a', '/t/a/x', 'env=p')];
    expect(place(mappings, 'app=a').namespace).toBe('/t/a');
    expect(place(mappings, 'app=a', 'env=p')).toMatchObject({ namespace: '/t/a/x', hops: mappings });
  });

  test('follows the mapping with the lowest ID', () => {
    const mappings = [mapping(2, '/t', '/t/b', 'app=a'), mapping(1, '/t', '/t/a', 'app=a')];
    expect(place(mappings, 'app=a').namespace).toBe('/t/a');
  });

  test('carries the tag of the namespace that it has come to', () => {
    const mappings = [mapping(1, '/t', '/t/a', 'app=a'), mapping(2, '/t/a', '/t/a/x', '$namespace=/t/a')];
    expect(place(mappings, 'app=a', '$namespace=/t').namespace).toBe('/t/a/x');
  });

  test('is never moved up, sideways or in a circle', () => {
    for (const to of ['/t', '/u', '/']) {
      const back = mapping(1, '/t', to, 'app=a');
      expect(place([back], 'app=a')).toEqual({
        namespace: '/t',
        hops: [],
        cut: { by: back, because: 'not below' },
      });
    }
  });

  test('makes 16 hops and no more', () => {
    const path = (depth: number) => `/t${'/x'.repeat(depth)}`;
    const mappings = Array.from({ length: 20 }, (_, at) => mapping(at + 1, path(at), path(at + 1), 'app=a'));
    expect(place(mappings, 'app=a')).toMatchObject({
      namespace: path(MAX_HOPS),
      cut: { because: 'too many hops' },
    });
  });
});

describe('the namespace that a mapping names', () => {
  test.each([
    ['/t', '/t/a', '/t/a'],
    ['/t', 'a', '/t/a'],
    ['/t', 'a/b', '/t/a/b'],
    ['/', 't', '/t'],
  ])('from %s, `%s` is %s', (namespace, mappedNamespace, path) => {
    expect(mappedPath({ namespace, mappedNamespace })).toBe(path);
  });

  test('may make no path', () => {
    expect(mappedPath({ namespace: '/t', mappedNamespace: 'a//b' })).toBeUndefined();
  });
});

describe('the namespaces that an enforcer covers', () => {
  const maps = (id: number, from: string, to: string, more: Record<string, unknown> = {}): Entry => ({
    identity: 'namespacemappingpolicy',
    object: make('namespacemappingpolicy', from, id, { subject: [['app=a']], mappedNamespace: to, ...more }),
  });
  const namespaces = ['/t', '/t/a', '/t/a/x', '/t/b'].map(
    (path, at): Entry => ({ identity: 'namespace', object: makeNamespace(path, at + 1) }),
  );
  const covered = (...entries: Entry[]) => reachable(viewOf([...namespaces, ...entries]), pathOf('/t'));

  test('are its own and what mappings lead to, step by step', () => {
    expect(covered()).toEqual(['/t']);
    expect(covered(maps(10, '/t', 'a'), maps(11, '/t/a', '/t/a/x'))).toEqual(['/t', '/t/a', '/t/a/x']);
  });

  test('are not those of disabled mappings, nor such as are not there or not below', () => {
    expect(covered(maps(10, '/t', 'a', { disabled: true }))).toEqual(['/t']);
    expect(covered(maps(10, '/t', 'nowhere'), maps(11, '/t', '/u'))).toEqual(['/t']);
  });
});

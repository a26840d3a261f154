import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compile } from '../../shared/core/compile.ts';
import { type EnforcerNamespace, isReport, type PolicyChange, reachedBy } from '../../shared/core/reach.ts';
import type { NamespacePath } from '../../shared/schema/ids.ts';
import { type Entry, make, makeNamespace, pathOf, viewOf } from './objects.ts';
import { entriesOf, tenant } from './random-tenant.ts';

const PATHS = ['/t', '/t/a', '/t/a/x', '/t/b', '/u'].map(pathOf);

const enforcersOf = (entries: readonly Entry[]): EnforcerNamespace[] => {
  const view = viewOf(entries);
  return PATHS.filter(path => view.namespaces.at(path)).map(path => {
    const { selectors, namespaces } = compile(view, path);
    return { path, selectors, namespaces };
  });
};

const digests = (entries: readonly Entry[], path: NamespacePath) => {
  const view = viewOf(entries);
  return view.namespaces.at(path) ? compile(view, path).digests : undefined;
};

const keyOf = ({ identity, object }: Entry) => `${identity} ${object.ID}`;

/** The changes that lead from one list of objects to another, one after the other. */
function* steps(from: readonly Entry[], to: readonly Entry[]): Generator<[Entry[], PolicyChange, Entry[]]> {
  let current = [...from];
  const keys = new Map([...from, ...to].map(entry => [keyOf(entry), entry.identity]));
  for (const [key, resource] of keys) {
    const before = current.find(entry => keyOf(entry) === key);
    const after = to.find(entry => keyOf(entry) === key);
    const next = [...current.filter(entry => entry !== before), ...(after ? [after] : [])];
    const change = {
      resource,
      ...(before ? { before: before.object } : {}),
      ...(after ? { after: after.object } : {}),
    } as PolicyChange;
    yield [current, change, next];
    current = next;
  }
}

describe('a change', () => {
  test('reaches every namespace whose bundle it changes', () => {
    fc.assert(
      fc.property(tenant, tenant, (one, two) => {
        for (const [before, change, after] of steps(entriesOf(one), entriesOf(two))) {
          const reached = reachedBy(change, enforcersOf(before));
          for (const path of PATHS) {
            const [was, is] = [digests(before, path), digests(after, path)];
            if (is && JSON.stringify(was) !== JSON.stringify(is)) expect(reached).toContain(path);
          }
        }
      }),
      { numRuns: 8 },
    );
  });

  const namespaces = PATHS.map(
    (path, at): Entry => ({ identity: 'namespace', object: makeNamespace(path, at + 1) }),
  );
  const ruleset = (path: string, more: Record<string, unknown> = {}) =>
    make('networkrulesetpolicy', path, 10, {
      subject: [['app=a']],
      incomingRules: [{ object: [['app=b', '$namespace=/t/b']] }],
      ...more,
    });
  const unit = (path: string, tags: string[], more: Record<string, unknown> = {}) =>
    make('processingunit', path, 20, {
      type: 'Docker',
      associatedTags: tags,
      addresses: ['10.0.0.1'],
      ...more,
    });
  const enforcers = enforcersOf([
    ...namespaces,
    { identity: 'networkrulesetpolicy', object: ruleset('/t/a') },
  ]);

  test('of a ruleset reaches where it applies', () => {
    expect(reachedBy({ resource: 'networkrulesetpolicy', after: ruleset('/t/a') }, enforcers)).toEqual([
      '/t/a',
    ]);
    expect(
      reachedBy({ resource: 'networkrulesetpolicy', after: ruleset('/t/a', { propagate: true }) }, enforcers),
    ).toEqual(['/t/a', '/t/a/x']);
    expect(
      reachedBy({ resource: 'networkrulesetpolicy', before: ruleset('/t', { propagate: true }) }, enforcers),
    ).toEqual(['/t', '/t/a', '/t/a/x', '/t/b']);
  });

  test('of a ruleset that stays disabled reaches nobody', () => {
    const off = ruleset('/t/a', { disabled: true });
    expect(
      reachedBy({ resource: 'networkrulesetpolicy', before: off, after: { ...off, name: 'new' } }, enforcers),
    ).toEqual([]);
  });

  test('of a description reaches nobody', () => {
    const before = ruleset('/t/a');
    const after = { ...before, description: 'new' };
    expect(reachedBy({ resource: 'networkrulesetpolicy', before, after }, enforcers)).toEqual([]);
  });

  test('of a processing unit reaches those whose rules name it', () => {
    expect(reachedBy({ resource: 'processingunit', after: unit('/t/b', ['app=b']) }, enforcers)).toEqual([
      '/t/a',
    ]);
    expect(reachedBy({ resource: 'processingunit', after: unit('/t/a', ['app=b']) }, enforcers)).toEqual([]);
  });

  test('of a processing unit that peers cannot see reaches nobody', () => {
    const before = unit('/t/b', ['app=b']);
    const after = { ...before, lastSyncTime: '2021-03-05T00:00:00.000Z', collectInfo: true };
    expect(reachedBy({ resource: 'processingunit', before, after }, enforcers)).toEqual([]);
    const gone = { ...before, operationalStatus: 'Terminated' as const };
    expect(reachedBy({ resource: 'processingunit', before, after: gone }, enforcers)).toEqual(['/t/a']);
  });

  test('of a default action reaches down', () => {
    const before = makeNamespace('/t/a', 2);
    const after = { ...before, defaultPUIncomingTrafficAction: 'Allow' as const };
    expect(reachedBy({ resource: 'namespace', before, after }, enforcers)).toEqual(['/t/a', '/t/a/x']);
  });

  test('of tag prefixes also reaches those whose rules name something below', () => {
    const before = makeNamespace('/t/b', 4);
    const after = { ...before, tagPrefixes: ['zone='] };
    expect(reachedBy({ resource: 'namespace', before, after }, enforcers)).toEqual(['/t/a', '/t/b']);
  });

  test('of an enforcer reaches its namespace', () => {
    const after = make('enforcer', '/t/a', 30, { FQDN: 'a.example.com' });
    expect(reachedBy({ resource: 'enforcer', after }, enforcers)).toEqual(['/t/a']);
    const synced = { ...after, lastSyncTime: '2021-03-05T00:00:00.000Z' };
    expect(reachedBy({ resource: 'enforcer', before: after, after: synced }, enforcers)).toEqual([]);
  });
});

test('what enforcers report of themselves is told from what a bundle says of them', () => {
  const before = make('enforcer', '/t', 1, { FQDN: 'e' });
  const change = (after: object | undefined) => ({ resource: 'enforcer', before, ...(after && { after }) });
  expect(isReport(change({ ...before, lastPokeTime: 'later', currentVersion: '2.0.0' }))).toBe(true);
  expect(isReport(change({ ...before, logLevel: 'Debug' }))).toBe(false);
  expect(isReport(change(undefined))).toBe(false);
  expect(isReport({ resource: 'enforcer', after: before } as never)).toBe(false);
  expect(isReport({ resource: 'processingunit', before, after: before })).toBe(false);
});

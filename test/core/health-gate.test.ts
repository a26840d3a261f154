import { describe, expect, it } from 'vitest';
import { unhealthy } from '../../shared/core/upgrade.ts';
import type { Enforcer } from '../../shared/schema/enforcer.ts';
import { UpgradeSpec } from '../../shared/schema/enforcerupgrade.ts';
import { NamespacePath } from '../../shared/schema/ids.ts';
import { Migration } from '../../shared/schema/migration.ts';
import { make, nextID } from '../make/objects.ts';

const NOW = '2026-03-01T12:00:00.000Z';
const spec = UpgradeSpec.parse({});

/** A host that says it applies a bundle after its upgrade, which was ordered when revision 5 was published. */
const saying = (revision: number, policy: string): Enforcer => ({
  ...make('enforcer', NamespacePath.parse('/acme'), {
    name: 'web',
    FQDN: 'web.test',
    currentVersion: '2.0.0',
    bundle: { revision, state: 'applied', policy },
  }),
  migration: Migration.parse({
    upgrade: nextID(),
    batch: 0,
    state: 'Upgraded',
    from: '1.0.0',
    to: '2.0.0',
    revision: 5,
  }),
});
const published = { revision: 9, digest: 'new', since: 7, changed: '2026-03-01T11:55:00.000Z' };
const judged = (revision: number, policy: string, seen: typeof published | undefined = published) =>
  unhealthy(saying(revision, policy), { spec }, NOW, seen ? { published: seen } : {});

describe('the bundle that a host says it applies', () => {
  it.each([
    [9, 'new'],
    [7, 'new'],
    // A change came meanwhile, and it has not caught up.
    [6, 'old'],
    // Of the published policy the number is noted a moment later.
    [10, 'new'],
  ])('is good: revision %i with the digest `%s`', (revision, policy) => {
    expect(judged(revision, policy)).toBeUndefined();
  });

  it.each([
    [10, 'newer', 'it applies revision 10 of its bundle, which was never published: the newest is 9'],
    [10, '', 'it applies revision 10 of its bundle, which was never published: the newest is 9'],
    [9, 'old', 'it applies another policy than revision 9 has: old'],
    [9, '', 'it applies another policy than revision 9 has: it tells no digest'],
    [4, 'older', 'it applies revision 4 of its bundle, where 5 was published before'],
  ])('is not good: revision %i with the digest `%s`', (revision, policy, why) => {
    expect(judged(revision, policy)).toBe(why);
  });

  it('is not good where its policy changed long ago, and it does not follow', () => {
    const long = { ...published, changed: '2026-03-01T11:54:59.999Z' };
    const why =
      'it still applies revision 6 of its bundle, though its policy changed with revision 7, 5 minutes ago';
    expect(judged(6, 'old', long)).toBe(why);
    expect(judged(6, 'new', long)).toBeUndefined();
  });

  it('is not good where nothing was published, whatever it is', () => {
    const why = 'it applies revision 9 of its bundle, which was never published: none was';
    expect(unhealthy(saying(9, 'new'), { spec }, NOW)).toBe(why);
    expect(judged(9, '', { revision: 0, digest: '', since: 0, changed: '' })).toBe(why);
  });
});

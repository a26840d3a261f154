import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { inOrder, isNewer, resolveVersion } from '../../shared/core/versions.ts';
import type { Failure } from '../../shared/schema/failure.ts';

const of = (version: string, withdrawn = false) => ({ version, withdrawn });
const RELEASES = [of('1.10.0'), of('1.9.0'), of('2.0.0-rc.1'), of('1.11.0', true), of('0.9.9')];

const refusal = (work: () => unknown): string => {
  try {
    work();
  } catch (error) {
    return (error as Failure).message;
  }
  return 'nothing was refused';
};

describe('a wanted version', () => {
  it.each([
    ['', '1.10.0'],
    ['latest', '1.10.0'],
    ['1.9.0', '1.9.0'],
    ['v1.9.0', '1.9.0'],
    ['2.0.0-rc.1', '2.0.0-rc.1'],
  ])(
    '%j is %s: precedence is by number, prereleases and withdrawn ones are never the latest',
    (said, version) => {
      expect(resolveVersion(said, RELEASES).version).toBe(version);
    },
  );

  it.each([
    ['namespace', 'v0.9.9', '0.9.9'],
    ['namespace', '', '1.10.0'],
  ])('%s with %j there is %s', (said, there, version) => {
    expect(resolveVersion(said, RELEASES, there).version).toBe(version);
  });

  it.each([
    ['3.0.0', 'version `3.0.0` is not known; there are 0.9.9, 1.9.0, 1.10.0, 2.0.0-rc.1'],
    ['1.11.0', 'version `1.11.0` was withdrawn; there are'],
    ['newest', 'version `newest` is not known; there are'],
  ])('%s is refused, and the refusal names those that there are', (said, message) => {
    expect(refusal(() => resolveVersion(said, RELEASES))).toContain(message);
  });

  it('is refused when nothing was released', () => {
    expect(refusal(() => resolveVersion('', []))).toBe(
      'version `latest` is not known; there are no releases yet',
    );
  });
});

describe('order', () => {
  const version = fc
    .tuple(fc.nat(20), fc.nat(20), fc.nat(20), fc.constantFrom('', '-rc.1', '-rc.2', '-beta'))
    .map(([major, minor, patch, tag]) => `${major}.${minor}.${patch}${tag}`);

  it('is the same whatever order the releases come in, and each is newer than those before', () => {
    fc.assert(
      fc.property(fc.uniqueArray(version, { minLength: 2, maxLength: 12 }), versions => {
        const one = inOrder(versions.map(each => of(each)));
        const other = inOrder([...versions].reverse().map(each => of(each)));
        expect(one).toEqual(other);
        for (const [index, each] of one.entries())
          for (const older of one.slice(0, index)) expect(isNewer(each.version, older.version)).toBe(true);
      }),
    );
  });

  it('has every version newer than what is no version', () => {
    expect([isNewer('0.0.1', ''), isNewer('', '0.0.1'), isNewer('v1.0.0', '1.0.0')]).toEqual([
      true,
      false,
      false,
    ]);
  });
});

import { describe, expect, it } from 'vitest';
import { agreement } from '../../shared/core/agreement.ts';

const published = { revision: 9, digest: 'new', since: 7, changed: '' };

describe('what a host says that it enforces', () => {
  it.each([
    [9, 'new', 'agrees'],
    [7, 'new', 'agrees'],
    // The number is the bundle's, the digest the policy's: only the first of them was noted late.
    [10, 'new', 'agrees'],
    [9, 'old', 'differs'],
    [7, 'old', 'differs'],
    [9, '', 'differs'],
    [6, 'old', 'later'],
    [10, 'newer', 'later'],
  ] as const)('revision %i with the digest `%s` %s', (revision, policy, wanted) => {
    expect(agreement({ revision, policy }, published)).toBe(wanted);
  });

  it('is compared with nothing before anything was published', () => {
    expect(agreement({ revision: 1, policy: 'x' }, undefined)).toBe('agrees');
    expect(agreement({ revision: 1, policy: '' }, { revision: 0, digest: '', since: 0, changed: '' })).toBe(
      'agrees',
    );
  });
});

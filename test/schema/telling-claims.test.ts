import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MOST_ELEMENTS } from '../../shared/schema/resource.ts';
import { ANYBODY, indexedClaim, tellingClaims } from '../../shared/schema/telling-claims.ts';

const key = fc.constantFrom('realm', 'subject', 'account', 'namespace', 'prismaid', 'groups:a', 'email');
const value = fc.oneof(
  fc.constantFrom('a', 'b'),
  fc.string({ minLength: 1, unit: 'grapheme', maxLength: 300 }),
);
const claim = fc.tuple(key, value).map(([name, said]) => `@auth:${name}=${said}`);
const clause = fc.uniqueArray(claim, { minLength: 1, maxLength: 5 });
const subject = fc.oneof(
  fc.array(clause, { minLength: 1, maxLength: 6 }),
  fc.array(clause, { minLength: 30, maxLength: 60 }),
);

describe('the claims by which an authorization is found', () => {
  it('are never missed by a caller whom it is for', () =>
    fc.assert(
      fc.property(subject, fc.nat(), fc.array(claim), (clauses, at, more) => {
        const own = [...(clauses[at % clauses.length] ?? []), ...more];
        const asked = new Set([...own.map(indexedClaim), ANYBODY]);
        expect(tellingClaims(clauses).some(name => asked.has(name))).toBe(true);
      }),
      { numRuns: 500 },
    ));

  it('are so few and so short that a transaction and a key have room for them', () =>
    fc.assert(
      fc.property(subject, clauses => {
        const all = tellingClaims(clauses);
        expect(all.length).toBeLessThanOrEqual(MOST_ELEMENTS);
        for (const name of all) expect(Buffer.byteLength(name)).toBeLessThan(900);
      }),
    ));

  it.each([
    [
      ['@auth:realm=certificate', '@auth:subject=0190f3a1b2c3d4e5f6071829'],
      '@auth:subject=0190f3a1b2c3d4e5f6071829',
    ],
    [['@auth:realm=oidc', '@auth:namespace=/acme', '@auth:email=a@example.com'], '@auth:email=a@example.com'],
    [
      ['@auth:realm=pcidentitytoken', '@auth:prismaid=1', '@auth:userroletypename=NetSecOps'],
      '@auth:userroletypename=NetSecOps',
    ],
    [['@auth:realm=awssecuritytoken', '@auth:account=826088932159'], '@auth:account=826088932159'],
    [['@auth:realm=awssecuritytoken', '@auth:partition=aws'], '@auth:partition=aws'],
    [['@auth:realm=vince'], '@auth:realm=vince'],
  ])('are those that fewest callers have: of %j it is %s', (clauses, found) => {
    expect(tellingClaims([clauses])).toEqual([found]);
  });
});

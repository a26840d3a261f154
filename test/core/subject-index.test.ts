import fc from 'fast-check';
import { expect, it } from 'vitest';
import { mayMean } from '../../shared/core/subject-index.ts';
import { freshTenant, makeAuthorization } from '../make/objects.ts';

const tenant = freshTenant();
const long = 'x'.repeat(300);
const claim = fc.constantFrom(
  ...['@auth:realm=oidc', '@auth:realm=certificate', '@auth:account=1', '@auth:email=a', '@auth:email=b'],
  ...[`@auth:group=${long}1`, `@auth:group=${long}2`, '@auth:namespace=/t', '@auth:subject=s'],
);
const subject = fc.array(fc.uniqueArray(claim, { minLength: 1, maxLength: 3 }), {
  minLength: 1,
  maxLength: 3,
});
/** More clauses than an index tells apart. */
const wide = fc
  .uniqueArray(fc.nat(200), { minLength: 33, maxLength: 40 })
  .map(some => some.map(number => [`@auth:email=${number}`]));

it('authorizations that mean a caller are among those that may, whoever calls, each once: a law', () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof({ weight: 5, arbitrary: subject }, wide), { maxLength: 60 }),
      fc.uniqueArray(
        fc.oneof(
          claim,
          fc.nat(200).map(number => `@auth:email=${number}`),
        ),
        { maxLength: 5 },
      ),
      (subjects, claims) => {
        const all = subjects.map((each, at) => makeAuthorization(tenant, `policy ${at}`, each));
        const may = mayMean(all, claims);
        expect(new Set(may).size).toBe(may.length);
        const meant = all.filter(policy =>
          policy.subject.some(clause => clause.every(one => claims.includes(one))),
        );
        expect(may).toEqual(expect.arrayContaining(meant));
      },
    ),
  );
});

it('one of a thousand teams is found without looking at the others', () => {
  const all = Array.from({ length: 1000 }, (_, at) =>
    makeAuthorization(tenant, `team ${at}`, [
      ['@auth:realm=oidc', '@auth:namespace=/t', `@auth:group=${at}`],
    ]),
  );
  const claims = ['@auth:realm=oidc', '@auth:namespace=/t', '@auth:group=7', '@auth:email=a'];
  expect(mayMean(all, claims)).toEqual([all[7]]);
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromSubnets, heldGrants, type Standing } from '../../shared/core/authorize.ts';
import { ALWAYS, type Conditions, type Grant, grantable, subnetsWithin } from '../../shared/core/grants.ts';
import { ROLES } from '../../shared/core/role-table.ts';
import { covers, grants, permissionsOf } from '../../shared/core/roles.ts';
import { apiauthorizationpolicy } from '../../shared/schema/apiauthorizationpolicy.ts';
import { objectId, pathOf } from './objects.ts';

const network = fc.constantFrom(
  ...['0.0.0.0/0', '10.0.0.0/8', '10.1.0.0/16', '10.1.2.3', '!10.1.0.0/16', '!10.0.0.0/8', '!10.1.2.3'],
  ...['::/0', '2001:db8::/32', '!2001:db8::/48'],
);
const networks = fc.uniqueArray(network, { maxLength: 3 });
const address = fc.constantFrom(
  '10.1.2.3',
  '10.1.9.9',
  '10.9.9.9',
  '192.0.2.1',
  '2001:db8::1',
  '2001:db8:1::1',
);
const conditions: fc.Arbitrary<Conditions> = fc.record({
  activeSchedule: fc.constantFrom('', '', '0 9 * * *', '0 12 * * *'),
  activeDuration: fc.constantFrom('1h', '8h'),
  authorizedSubnets: networks,
  expirationTime: fc.constantFrom(
    undefined,
    undefined,
    '2026-11-25T12:00:00.000Z',
    '2027-01-01T00:00:00.000Z',
  ),
});
const authorized = fc.constantFrom(
  ...['*,any', '*,get', 'namespace,any', 'namespace,get', 'enforcer,post'],
  ...Object.keys(ROLES).map(key => `@auth:role=${key}`),
);
const source = fc.tuple(fc.array(authorized, { minLength: 1, maxLength: 2 }), conditions);
const moment = fc
  .constantFrom('08:59', '09:30', '10:30', '11:59', '12:30', '20:30')
  .map(time => `2026-11-25T${time}:00.000Z`);

/** An authorization of `/t` for a caller that is known by its name. */
const policy = (number: number, who: string, identities: readonly string[], under: Conditions) => ({
  ...apiauthorizationpolicy.input.parse({
    name: `p${number}`,
    subject: [['@auth:realm=oidc', '@auth:namespace=/t', `@auth:subject=${who}`]],
    authorizedIdentities: ['*,get'],
    authorizedNamespace: '/t',
  }),
  ...under,
  authorizedSubnets: [...under.authorizedSubnets],
  activeDuration: under.activeSchedule === '' ? '' : under.activeDuration,
  authorizedIdentities: [...identities],
  ID: objectId(number),
  namespace: pathOf('/t'),
  createTime: '2026-01-01T00:00:00.000Z',
  updateTime: '2026-01-01T00:00:00.000Z',
  normalizedTags: [],
});
type Policy = ReturnType<typeof policy>;

const claimsOf = (who: string) => ['@auth:realm=oidc', '@auth:namespace=/t', `@auth:subject=${who}`];
const heldBy = (who: string, policies: readonly Policy[], from: string, at: string) =>
  heldGrants({ claims: claimsOf(who), address: from }, undefined, policies, pathOf('/t'), new Date(at));

/** What the API does when `who` asks to give a right to another. */
function give(
  who: string,
  to: string,
  wanted: string,
  under: Conditions,
  all: Policy[],
  from: string,
  at: string,
) {
  const mine = grantable(heldBy(who, all, from, at), under);
  return covers(mine, permissionsOf(wanted)) ? [...all, policy(100 + all.length, to, [wanted], under)] : all;
}

describe('what is granted', () => {
  it('lets nobody do what the first giver could not, at any time, from anywhere', () => {
    const gift = fc.tuple(fc.nat(2), fc.nat(2), authorized, conditions);
    fc.assert(
      fc.property(
        fc.array(source, { minLength: 1, maxLength: 3 }),
        fc.array(gift, { minLength: 1, maxLength: 5 }),
        fc.tuple(address, moment),
        fc.tuple(address, moment),
        (sources, gifts, [hereFrom, hereAt], [thereFrom, thereAt]) => {
          const people = ['first', 'second', 'third'];
          const own = sources.map(([identities, under], at) => policy(at + 1, 'first', identities, under));
          let all = own;
          for (const [by, to, wanted, under] of gifts) {
            all = give(people[by] ?? '', people[to] ?? '', wanted, under, all, hereFrom, hereAt);
          }
          const first = heldBy('first', own, thereFrom, thereAt).map(({ permissions }) => permissions);
          for (const who of people)
            for (const { permissions } of heldBy(who, all, thereFrom, thereAt))
              expect(covers(first, permissions)).toBe(true);
        },
      ),
      { numRuns: 1000 },
    );
  });

  it('lets no app credential do what the first giver could not, however they make one another', () => {
    const role = fc.constantFrom(...Object.keys(ROLES)).map(key => `@auth:role=${key}`);
    /** By whom, of the first giver (0) and the credentials made before; what; from where it may be used; or an authorization. */
    const gift = fc.record({ by: fc.nat(4), wanted: role, under: conditions, asPolicy: fc.boolean() });
    fc.assert(
      fc.property(
        fc.array(source, { minLength: 1, maxLength: 3 }),
        fc.array(gift, { minLength: 1, maxLength: 6 }),
        fc.tuple(address, moment),
        fc.tuple(address, moment),
        (sources, gifts, [hereFrom, hereAt], [thereFrom, thereAt]) => {
          const own = sources.map(([identities, under], at) => policy(at + 1, 'first', identities, under));
          const credentials: Standing[] = [];
          let policies: Policy[] = own;
          /** What a credential holds; it is of no use from outside its networks. */
          const heldByCredential = (index: number, from: string, at: string): Grant[] => {
            const standing = credentials[index];
            if (!standing || !fromSubnets(from, standing.authorizedSubnets ?? [])) return [];
            const caller = { claims: claimsOf(`credential${index}`), address: from };
            return heldGrants(caller, standing, policies, pathOf('/t'), new Date(at));
          };
          for (const { by, wanted, under, asPolicy } of gifts) {
            const held =
              by === 0
                ? heldBy('first', policies, hereFrom, hereAt)
                : heldByCredential(by - 1, hereFrom, hereAt);
            // As the API asks: a credential has no end and no schedule.
            const asked = asPolicy ? under : { ...ALWAYS, authorizedSubnets: under.authorizedSubnets };
            if (!covers(grantable(held, asked), permissionsOf(wanted))) continue;
            if (asPolicy) {
              policies = [...policies, policy(100 + policies.length, `credential${by}`, [wanted], under)];
            } else {
              const { authorizedSubnets } = under;
              credentials.push({ namespace: pathOf('/t'), roles: [wanted], authorizedSubnets });
            }
          }
          const first = heldBy('first', own, thereFrom, thereAt).map(({ permissions }) => permissions);
          for (const index of credentials.keys())
            for (const { permissions } of heldByCredential(index, thereFrom, thereAt))
              expect(covers(first, permissions)).toBe(true);
        },
      ),
      { numRuns: 1000 },
    );
  });

  it('is what one has, under conditions that are no wider', () => {
    const night = { ...ALWAYS, activeSchedule: '0 22 * * *', activeDuration: '8h' };
    const all = [policy(1, 'first', ['namespace,get'], { ...night, authorizedSubnets: ['10.0.0.0/8'] })];
    const held = heldBy('first', all, '10.1.1.1', '2026-11-25T23:00:00.000Z');
    const may = (under: Conditions) => grantable(held, under).some(it => grants(it, 'namespace', 'get'));
    expect(may({ ...night, authorizedSubnets: ['10.1.0.0/16'] })).toBe(true);
    expect(may({ ...ALWAYS, authorizedSubnets: ['10.1.0.0/16'] })).toBe(false);
    expect(may(night)).toBe(false);
  });
});

describe('networks within networks', () => {
  it('let in nobody that the wider do not', () => {
    fc.assert(
      fc.property(networks, networks, address, (asked, held, from) => {
        if (subnetsWithin(asked, held) && fromSubnets(from, asked))
          expect(fromSubnets(from, held)).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });
});

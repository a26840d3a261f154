import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromSubnets } from '../../shared/core/authorize.ts';
import { ALWAYS, type Grant } from '../../shared/core/grants.ts';
import { restricted, shrink } from '../../shared/core/restrictions.ts';
import {
  grants,
  intersection,
  type Permissions,
  permissionsOf,
  rawOf,
  union,
} from '../../shared/core/roles.ts';
import { NamespacePath } from '../../shared/schema/ids.ts';
import type { Restrictions } from '../../shared/schema/token.ts';

const identity = fc.constantFrom('*', 'namespace', 'enforcer', 'constructor');
const verb = fc.constantFrom('any', 'get', 'post', 'put', 'patch', 'delete', 'head');
const permission = fc.oneof(
  fc.constantFrom('@auth:role=namespace.viewer', '@auth:role=namespace.administrator', '@auth:role=none'),
  fc
    .tuple(identity, fc.uniqueArray(verb, { minLength: 1, maxLength: 3 }))
    .map(([name, verbs]) => [name, ...verbs].join(',')),
);
const namespace = fc
  .constantFrom('/', '/a', '/a/b', '/a/b/c', '/ab', '/c')
  .map(path => NamespacePath.parse(path));
const network = fc.constantFrom(
  ...['0.0.0.0/0', '10.0.0.0/8', '10.1.0.0/16', '10.1.2.3', '!10.1.0.0/16', '!10.0.0.0/8', '192.0.2.0/24'],
  ...['::/0', '2001:db8::/32', '!2001:db8::/48', '::ffff:10.0.0.0/104'],
);
const restrictions: fc.Arbitrary<Restrictions> = fc.record(
  {
    namespace,
    perms: fc.array(permission, { maxLength: 3 }),
    networks: fc.array(network, { maxLength: 4 }),
  },
  { requiredKeys: [] },
);
const grantOf = (permissions: Permissions): Grant => ({
  permissions,
  conditions: { ...ALWAYS, subnets: [] },
});
const held = fc.array(permission.map(permissionsOf).map(grantOf), { maxLength: 3 });
const address = fc.constantFrom('10.1.2.3', '10.9.9.9', '192.0.2.1', '2001:db8::1', '2001:db8:1::1', '', 'x');
const question = fc.record({
  held,
  namespace,
  address,
  identity: fc.constantFrom('*', 'namespace', 'enforcer', 'constructor', 'other'),
  verb: fc.constantFrom('any', 'get', 'post', 'put', 'delete'),
});
type Question = typeof question extends fc.Arbitrary<infer Q> ? Q : never;

const may = (asked: Question, under: Restrictions): boolean =>
  restricted(asked.held, under, asked.namespace, asked).some(({ permissions }) =>
    grants(permissions, asked.identity, asked.verb),
  );
/** Text of a token and back, as an exchange reads it. */
const carried = (value: Restrictions): Restrictions => JSON.parse(JSON.stringify(value));

describe('restrictions', () => {
  it('of a token that is traded allow what both allow, and nothing else', () => {
    fc.assert(
      fc.property(restrictions, restrictions, question, (original, asked, request) => {
        const traded = carried(shrink(original, asked));
        expect(may(request, traded)).toBe(may(request, original) && may(request, asked));
      }),
      { numRuns: 1500 },
    );
  });

  it('to networks leave those that are in both', () => {
    const networks = fc.array(network, { minLength: 1, maxLength: 4 });
    const everything = [grantOf(permissionsOf('*,any'))];
    const root = NamespacePath.parse('/');
    fc.assert(
      fc.property(networks, networks, address, (one, other, from) => {
        const lets = (it: Restrictions) => restricted(everything, it, root, { address: from }).length > 0;
        const traded = carried(shrink({ networks: one }, { networks: other }));
        expect(lets(traded)).toBe(lets({ networks: one }) && lets({ networks: other }));
      }),
      { numRuns: 500 },
    );
  });

  it('never grow over any number of trades, whatever is asked', () => {
    fc.assert(
      fc.property(fc.array(restrictions, { minLength: 1, maxLength: 5 }), question, (chain, request) => {
        let now: Restrictions = {};
        let could = may(request, now);
        for (const asked of chain) {
          now = carried(shrink(now, asked));
          const can = may(request, now);
          expect(can && !could).toBe(false);
          could = can;
        }
      }),
      { numRuns: 500 },
    );
  });

  it('leave everything as it is where there are none, and nothing where lists are empty', () => {
    const everything = [grantOf(permissionsOf('*,any'))];
    const root = NamespacePath.parse('/');
    const from = { address: '10.0.0.1' };
    expect(restricted(everything, {}, root, from)).toEqual(everything);
    expect(restricted(everything, { networks: [] }, root, from)).toEqual([]);
    expect(restricted(everything, { perms: [] }, root, from)).toEqual([grantOf({})]);
    expect(
      shrink({ namespace: NamespacePath.parse('/a') }, { namespace: NamespacePath.parse('/b') }).perms,
    ).toEqual([]);
  });
});

describe('permissions', () => {
  const verbs = ['any', 'get', 'post', 'put', 'delete'] as const;
  const names = ['*', 'namespace', 'enforcer', 'constructor', 'other'];
  const all = (one: Permissions, other: Permissions, meet: (a: boolean, b: boolean) => boolean) =>
    names.flatMap(name => verbs.map(it => meet(grants(one, name, it), grants(other, name, it))));
  const has = (permissions: Permissions) =>
    names.flatMap(name => verbs.map(it => grants(permissions, name, it)));

  it('have a union, an intersection and a text that mean what they say', () => {
    const some = permission.map(permissionsOf);
    fc.assert(
      fc.property(some, some, (one, other) => {
        expect(has(intersection(one, other))).toEqual(all(one, other, (a, b) => a && b));
        expect(has(union([one, other]))).toEqual(all(one, other, (a, b) => a || b));
        const joined = union([one, other]);
        expect(has(union(rawOf(joined).map(permissionsOf)))).toEqual(has(joined));
      }),
    );
  });
});

describe('subnets', () => {
  it('may be bare addresses and IPv4 in IPv6 clothes, and text that is no address is outside', () => {
    expect(fromSubnets('10.1.2.3', ['10.1.2.3'])).toBe(true);
    expect(fromSubnets('::ffff:10.1.2.3', ['10.1.0.0/16'])).toBe(true);
    expect(fromSubnets('10.1.2.3', ['::ffff:10.1.0.0/112'])).toBe(true);
    expect(['', 'x', 'fe80::1%eth0', '10.1.2'].map(it => fromSubnets(it, ['0.0.0.0/0', '::/0']))).toEqual([
      false,
      false,
      false,
      false,
    ]);
  });
});

import fc from 'fast-check';
import type { Flow, UnitEnd } from '../../shared/core/decision.ts';
import type { Traffic } from '../../shared/core/ports.ts';
import { type Entry, make, makeNamespace, pathOf } from './objects.ts';

/** Small pools, so that rules, tags and addresses meet often. */
const PATHS = ['/t', '/t/a', '/t/a/x', '/t/b', '/u'] as const;
const TAGS = ['app=1', 'app=2', 'app=12', 'env=p', 'k8s:role=db', 'net=in', 'net=out'] as const;
const WANTED = [
  ...TAGS,
  'app=*',
  'app=1*',
  'env=*',
  '$namespace=/t/a',
  '$namespace=/t/*',
  '$namespace=/t/a*',
  '$identity=processingunit',
  '$identity=externalnetwork',
] as const;
const NETWORKS = [
  ['0.0.0.0/0'],
  ['10.0.0.0/8', '!10.1.0.0/16'],
  ['10.0.0.0/8', '!10.1.0.0/16', '10.1.1.0/24'],
  ['10.1.1.1'],
  ['2001:db8::/32', '!2001:db8:1::/48'],
  ['www.example.com', '192.0.2.0/24'],
  ['*.example.com'],
] as const;
const ADDRESSES = ['10.0.0.1', '10.1.0.1', '10.1.1.1', '192.0.2.7', '2001:db8::1', '2001:db8:1::1'] as const;
const PORTS = [
  [],
  ['any'],
  ['tcp/80'],
  ['tcp/80:443', 'udp/53'],
  ['udp/0:65535'],
  ['icmp/8/0', 'icmp6'],
  ['icmp/3/0:5,9'],
  ['esp'],
] as const;

export const traffic: fc.Arbitrary<Traffic> = fc.constantFrom<Traffic>(
  { kind: 'ports', protocol: 6, port: 80 },
  { kind: 'ports', protocol: 6, port: 443 },
  { kind: 'ports', protocol: 17, port: 53 },
  { kind: 'icmp', protocol: 1, type: 8, code: 0 },
  { kind: 'icmp', protocol: 1, type: 3, code: 4 },
  { kind: 'icmp', protocol: 58, type: 128, code: 0 },
  { kind: 'protocol', protocol: 50 },
);

const clause = fc.uniqueArray(fc.constantFrom(...WANTED), { minLength: 1, maxLength: 2 });
const selector = fc.uniqueArray(clause, {
  minLength: 1,
  maxLength: 2,
  selector: one => JSON.stringify([...one].sort()),
});

export const rule = (action: fc.Arbitrary<'Allow' | 'Reject'>, observed: fc.Arbitrary<boolean>) =>
  fc.record({
    action,
    object: selector,
    protocolPorts: fc.constantFrom(...PORTS).map(ports => [...ports]),
    observationEnabled: observed,
  });

const anyRule = rule(fc.constantFrom('Allow', 'Allow', 'Reject'), fc.constantFrom(false, false, false, true));
const rules = fc.array(anyRule, { maxLength: 3 });

export const ruleset = fc.record({
  namespace: fc.constantFrom(...PATHS),
  subject: selector,
  incomingRules: rules,
  outgoingRules: rules,
  propagate: fc.boolean(),
  disabled: fc.constantFrom(false, false, false, true),
  fallback: fc.constantFrom(false, false, true),
});
export type RandomRuleSet = typeof ruleset extends fc.Arbitrary<infer T> ? T : never;

const network = fc.record({
  namespace: fc.constantFrom(...PATHS),
  entries: fc.constantFrom(...NETWORKS).map(entries => [...entries]),
  associatedTags: fc.subarray(['net=in', 'net=out', 'app=1']),
  propagate: fc.boolean(),
  archived: fc.constantFrom(false, false, false, true),
});

const unitIn = (...paths: (typeof PATHS)[number][]) =>
  fc.record({ namespace: fc.constantFrom(...paths), associatedTags: fc.subarray([...TAGS]) });

const settings = fc.record({
  defaultPUIncomingTrafficAction: fc.constantFrom('Inherit', 'Inherit', 'Allow', 'Reject'),
  defaultPUOutgoingTrafficAction: fc.constantFrom('Inherit', 'Inherit', 'Allow', 'Reject'),
  tagPrefixEnforcement: fc.constantFrom('Inherit', 'Inherit', 'Warn', 'Enforce'),
  tagPrefixes: fc.subarray(['env=', 'k8s:role=', 'net=i']),
});

/** What a tenant is made of. `order` puts its objects into any order. */
export const tenant = fc.record({
  settings: fc.tuple(settings, settings, settings, settings, settings),
  rulesets: fc.array(ruleset, { maxLength: 6 }),
  networks: fc.array(network, { maxLength: 4 }),
  units: fc.array(unitIn(...PATHS), { minLength: 2, maxLength: 5 }),
});

/** One with many units: so many in `/t` and below, and after them so many in `/u`. */
export const crowded = (inT: number, inU: number) =>
  fc
    .record({
      tenant,
      t: fc.array(unitIn('/t', '/t/a', '/t/a/x', '/t/b'), { minLength: inT, maxLength: inT }),
      u: fc.array(unitIn('/u'), { minLength: inU, maxLength: inU }),
    })
    .map(({ tenant, t, u }) => ({ ...tenant, units: [...t, ...u] }));
export type RandomTenant = typeof tenant extends fc.Arbitrary<infer T> ? T : never;

const UNIT_IDS = 3000;

/** Every object of it, with IDs that don't change when another list of it does. */
export function entriesOf(
  { settings, rulesets, networks, units }: RandomTenant,
  addressesOf: (at: number) => readonly string[] = at => [addressOf(at)],
): Entry[] {
  return [
    ...PATHS.map(
      (path, at): Entry => ({
        identity: 'namespace',
        object: makeNamespace(path, 1 + at, settings[at]),
      }),
    ),
    ...rulesets.map(
      ({ namespace, ...input }, at): Entry => ({
        identity: 'networkrulesetpolicy',
        object: make('networkrulesetpolicy', namespace, 1000 + at, input),
      }),
    ),
    ...networks.map(
      ({ namespace, ...input }, at): Entry => ({
        identity: 'externalnetwork',
        object: make('externalnetwork', namespace, 2000 + at, input),
      }),
    ),
    ...units.map(
      ({ namespace, associatedTags }, at): Entry => ({
        identity: 'processingunit',
        object: make('processingunit', namespace, UNIT_IDS + at, {
          type: 'Docker',
          associatedTags,
          addresses: addressesOf(at),
        }),
      }),
    ),
  ];
}

/** Units have addresses of their own, one in each of the networks that matter. */
const addressOf = (at: number): string =>
  ['10.0.9.9', '10.1.9.9', '10.1.1.9', '192.0.2.9', '203.0.113.9'][at % 5] ?? '';

export const unitEnds = (entries: readonly Entry[]): UnitEnd[] =>
  entries.flatMap(entry =>
    entry.identity === 'processingunit'
      ? [
          {
            kind: 'processing unit' as const,
            namespace: pathOf(entry.object.namespace),
            tags: entry.object.normalizedTags,
            address: entry.object.addresses[0] ?? '',
          },
        ]
      : [],
  );

const outside = fc.oneof(
  fc.constantFrom(...ADDRESSES).map(address => ({ kind: 'network' as const, address })),
  fc.constantFrom('www.example.com', 'example.com', 'a.b.example.com').map(name => ({
    kind: 'network' as const,
    name,
  })),
);

/** Which ends a flow has: units by number, taken modulo how many there are, or something outside. */
export const shape = fc.record({
  one: fc.nat(9),
  other: fc.oneof(fc.nat(9), fc.nat(9), outside),
  outwards: fc.boolean(),
  traffic,
});
export type RandomFlow = typeof shape extends fc.Arbitrary<infer T> ? T : never;

export function flowOf({ one, other, outwards, traffic }: RandomFlow, units: readonly UnitEnd[]): Flow {
  const unit = units[one % units.length];
  if (!unit) throw new Error('a tenant without units');
  const peer = typeof other === 'number' ? (units[other % units.length] ?? unit) : other;
  if (peer.kind === 'network' && !outwards) return { from: peer, to: unit, traffic };
  return { from: unit, to: peer, traffic };
}

import type { HostPlan } from '../../../local/hosts/network.ts';
import { type Entry, make, makeNamespace, pathOf, viewOf } from '../../core/objects.ts';
import { hostPolicy, localUnit } from '../hosts/plane.ts';

/** A shop: `web` talks to `db` on port 80, whoever `partner` is talks to `db` on port 81, and nobody else to anybody. */
export const SHOP = pathOf('/shop');
export const PLANS: readonly HostPlan[] = [
  { name: 'web', addresses: ['10.1.0.1', '2001:db8::1'] },
  { name: 'db', addresses: ['10.1.0.2', '2001:db8::2'] },
  { name: 'cache', addresses: ['10.1.0.3', '2001:db8::3'], behind: 'db' },
  { name: 'outside', addresses: ['192.0.2.7', '198.51.100.7', '2001:db8:7::7'] },
];

const unit = (name: string, number: number) =>
  make('processingunit', SHOP, number, {
    name,
    type: name === 'cache' ? 'Docker' : 'Host',
    associatedTags: [`app=${name}`],
    addresses: PLANS.find(plan => plan.name === name)?.addresses ?? [],
  });
const UNITS = [unit('web', 1), unit('db', 2), unit('cache', 3)];
/** Another like `web`, on no host of these. */
const ELSEWHERE = make('processingunit', SHOP, 4, {
  type: 'Host',
  associatedTags: ['app=web'],
  addresses: ['10.1.0.9', '2001:db8::9'],
});

export const ruleset = (
  number: number,
  subject: string,
  direction: 'incomingRules' | 'outgoingRules',
  object: string,
  protocolPorts: readonly string[],
  more: Record<string, unknown> = {},
): Entry => ({
  identity: 'networkrulesetpolicy',
  object: make('networkrulesetpolicy', SHOP, number, {
    subject: [[subject]],
    [direction]: [{ action: 'Allow', object: [[object]], protocolPorts, ...more }],
  }),
});

export const externalNetwork = (number: number, tag: string, entries: readonly string[]): Entry => ({
  identity: 'externalnetwork',
  object: make('externalnetwork', SHOP, number, { entries, associatedTags: [tag] }),
});

const PORTS = ['tcp/80', 'udp/80', 'icmp/8', 'icmp6/128'];

/** What never changes: web → db and web → cache, in two rules each, and partner → db. */
export const LASTING: readonly Entry[] = [
  { identity: 'namespace', object: makeNamespace(SHOP, 10) },
  ...[...UNITS, ELSEWHERE].map((object): Entry => ({ identity: 'processingunit', object })),
  ruleset(100, 'app=web', 'outgoingRules', 'app=db', PORTS),
  ruleset(101, 'app=db', 'incomingRules', 'app=web', PORTS),
  ruleset(102, 'app=web', 'outgoingRules', 'app=cache', PORTS),
  ruleset(103, 'app=cache', 'incomingRules', 'app=web', PORTS),
  ruleset(104, 'app=db', 'incomingRules', 'net=partner', ['tcp/81', 'udp/81']),
  externalNetwork(200, 'net=partner', ['192.0.2.0/24', '!192.0.2.128/25', '2001:db8:7::/48']),
];

/** Hosts that enforce, with what each decides for. */
export const ENFORCED = [
  { name: 'web', units: ['web'] },
  { name: 'db', units: ['db', 'cache'] },
] as const;

/** What a host of the shop is told when these objects are all there is. */
export const policyOf = (
  { units }: (typeof ENFORCED)[number],
  entries: readonly Entry[],
  rest: Partial<Parameters<typeof hostPolicy>[2]> = {},
) =>
  hostPolicy(viewOf(entries), SHOP, {
    units: UNITS.filter(one => (units as readonly string[]).includes(one.name)).map(localUnit),
    ...rest,
  });

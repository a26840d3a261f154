import fc from 'fast-check';
import type { HostPlan } from '../../../local/hosts/network.ts';
import type { Flow, NetworkEnd, UnitEnd } from '../../../shared/core/decision.ts';
import type { Traffic } from '../../../shared/core/ports.ts';
import type { ObjectOf } from '../../../shared/schema/resources.ts';
import { type Entry, make, pathOf } from '../../core/objects.ts';
import { crowded, entriesOf, type RandomTenant } from '../../core/random-tenant.ts';
import type { Wanted } from '../hosts/probes.ts';

/**
 * Units of `/t` and below are spread over two hosts and two containers of the second, those of `/u` are on a third host,
 * and a fourth has no enforcer.
 */
const T_PLACES = ['one', 'two', 'two-a', 'two-b'] as const;
const T_UNITS = 12;
const U_PLACE = 'three';
const U_UNITS = 3;
const OUTSIDE = 'outside';

export const tenants = crowded(T_UNITS, U_UNITS);

/** Inside and outside of the networks that the generator knows. */
const FOURS = ['10.0.9', '10.1.9', '10.1.1', '192.0.2', '203.0.113'] as const;
const SIXES = ['2001:db8:0', '2001:db8:1', '2001:db9:0'] as const;

const addressesOf = (at: number): string[] => [
  `${FOURS[at % FOURS.length]}.${20 + at}`,
  `${FOURS[(at + 2) % FOURS.length]}.${60 + at}`,
  `${SIXES[at % SIXES.length]}::${20 + at}`,
];

/** DNS names that external networks of the generator hold, or don't, and where they lead. */
export const NAMES: ReadonlyMap<string, readonly string[]> = new Map([
  ['www.example.com', ['198.51.100.1', '2001:db9::1']],
  ['a.b.example.com', ['198.51.100.2']],
  ['example.com', ['198.51.100.3']],
]);

const OUTSIDERS: readonly NetworkEnd[] = [
  ...['10.0.0.1', '10.1.0.1', '10.1.1.1', '192.0.2.7', '198.51.100.9', '2001:db8::1', '2001:db8:1::1'].map(
    address => ({ kind: 'network' as const, address }),
  ),
  ...[...NAMES].flatMap(([name, addresses]) =>
    addresses.map(address => ({ kind: 'network' as const, address, name })),
  ),
];

const UNITS = Array.from({ length: T_UNITS + U_UNITS }, (_, at) => at);
const placeOf = (at: number): string => (at < T_UNITS ? (T_PLACES[at % T_PLACES.length] ?? '') : U_PLACE);
/** Containers are behind the host that their name begins with. */
const nodeOf = (place: string): string => place.split('-')[0] ?? '';

/** Hosts that enforce, the namespace that each is in, and which units it decides for, by number. */
export const ENFORCED = ['one', 'two', U_PLACE].map(name => ({
  name,
  namespace: pathOf(name === U_PLACE ? '/u' : '/t'),
  units: UNITS.filter(at => nodeOf(placeOf(at)) === name),
}));

/** The first unit on a host itself: it is the host. */
export const isHostUnit = (at: number): boolean =>
  UNITS.find(one => placeOf(one) === nodeOf(placeOf(at))) === at;

export const PLANS: readonly HostPlan[] = [
  ...[...T_PLACES, U_PLACE].map(name => ({
    name,
    addresses: UNITS.filter(at => placeOf(at) === name).flatMap(addressesOf),
    ...(nodeOf(name) === name ? {} : { behind: nodeOf(name) }),
  })),
  { name: OUTSIDE, addresses: OUTSIDERS.map(({ address }) => address ?? '') },
];

/** Selects nothing, but lets the bundle of `/t` cover what is below. */
const mappings: readonly Entry[] = ['/t/a', '/t/a/x', '/t/b'].map(
  (mappedNamespace, at): Entry => ({
    identity: 'namespacemappingpolicy',
    object: make('namespacemappingpolicy', '/t', 4000 + at, { subject: [['app=nowhere']], mappedNamespace }),
  }),
);

export interface Tenant {
  entries: readonly Entry[];
  /** By number. */
  units: readonly ObjectOf<'processingunit'>[];
}

export function tenantFrom(random: RandomTenant): Tenant {
  const entries = [...entriesOf(random, addressesOf), ...mappings];
  return {
    entries,
    units: entries.flatMap(entry => (entry.identity === 'processingunit' ? [entry.object] : [])),
  };
}

const V4: readonly Traffic[] = [
  { kind: 'ports', protocol: 6, port: 80 },
  { kind: 'ports', protocol: 6, port: 443 },
  { kind: 'ports', protocol: 6, port: 444 },
  { kind: 'ports', protocol: 17, port: 53 },
  { kind: 'ports', protocol: 17, port: 54 },
  { kind: 'icmp', protocol: 1, type: 8, code: 0 },
  { kind: 'icmp', protocol: 1, type: 3, code: 4 },
  { kind: 'icmp', protocol: 1, type: 3, code: 7 },
  { kind: 'icmp', protocol: 1, type: 13, code: 0 },
  { kind: 'protocol', protocol: 50 },
];
const V6: readonly Traffic[] = [
  ...V4.filter(({ kind }) => kind !== 'icmp'),
  { kind: 'icmp', protocol: 58, type: 128, code: 0 },
  { kind: 'icmp', protocol: 58, type: 1, code: 4 },
];

/** Numbers that `flowsOf` reads as it sees fit. */
export const chances = fc.tuple(fc.nat(1000), fc.nat(1000), fc.nat(2), fc.nat(1000), fc.nat(3));
export type Chances = readonly [number, number, number, number, number];

export interface Planned {
  flow: Flow;
  probe: Wanted;
  /** Names of the hosts that decide for its ends, if they enforce. */
  from: string;
  to: string;
}

interface Place {
  place: string;
  end: UnitEnd | NetworkEnd;
  address: string;
}

const familyOf = (address: string): 4 | 6 => (address.includes(':') ? 6 : 4);

/** Flows between places. ESP is one connection in both directions, so that only its first direction is a flow. */
export function flowsOf({ units }: Tenant, rows: readonly Chances[]): Planned[] {
  const esp = new Set<string>();
  const place = (at: number, which: number): Place => {
    const unit = units[at % units.length];
    const address = unit?.addresses[which % unit.addresses.length] ?? '';
    const { namespace = '', normalizedTags: tags = [] } = unit ?? {};
    const end = { kind: 'processing unit' as const, namespace: pathOf(namespace), tags, address };
    return { place: placeOf(at % units.length), end, address };
  };
  return rows.flatMap(([one, other, which, carrying, kind]): Planned[] => {
    const unit = place(one, which);
    const family = familyOf(unit.address);
    const candidates: Place[] =
      kind === 0
        ? OUTSIDERS.map(end => ({ place: OUTSIDE, end, address: end.address ?? '' }))
        : units.flatMap((_, at) => [0, 1, 2].map(each => place(at, each)));
    const peers = candidates.filter(peer => peer.place !== unit.place && familyOf(peer.address) === family);
    const peer = peers[other % peers.length];
    const list = family === 4 ? V4 : V6;
    const traffic = list[carrying % list.length];
    if (!peer || !traffic) return [];
    if (traffic.kind === 'protocol') {
      const pair = [unit.address, peer.address].sort().join();
      if (esp.has(pair)) return [];
      esp.add(pair);
    }
    const [from, to] = kind === 0 && carrying % 3 === 0 ? [peer, unit] : [unit, peer];
    const flow = { from: from.end, to: to.end, traffic } as Flow;
    const probe = { from: from.address, to: to.address, traffic };
    return [{ flow, probe, from: nodeOf(from.place), to: nodeOf(to.place) }];
  });
}

import { isWildcardName } from '../../../shared/schema/network-entry.ts';
import { DNS_PREFIX, type Endpoint, type HostPolicy } from '../data-plane.ts';
import { MINE } from './loom.ts';
import type { Chain } from './model.ts';
import { rangeOf, singleRanges } from './territories.ts';

/** The ways through a host. `_r`: packets that answer, whose addresses are the other way round. */
export type Way = 'in' | 'out';

/** Where a unit's packets are decided: the unit's own address → verdict, by family. */
export interface Dispatch {
  addresses: ReadonlyMap<string, { family: 4 | 6; in: string; in_r: string; out: string; out_r: string }>;
  /** Units told by their sockets. `id`: of the control group that nft finds at the path when it reads the rule. */
  cgroups: readonly {
    path: string;
    id: string | undefined;
    in: string;
    in_r: string;
    out: string;
    out_r: string;
  }[];
  /** Whatever no unit owns, on this host's own hooks. */
  host: { in: string; in_r: string; out: string; out_r: string };
}

type Port = 'in' | 'in_r' | 'out' | 'out_r';

/** Which field holds the unit's own address, for packets in each direction. */
const OWN: Readonly<Record<Port, 'saddr' | 'daddr'>> = {
  in: 'daddr',
  in_r: 'saddr',
  out: 'saddr',
  out_r: 'daddr',
};
export const PEER: Readonly<Record<Port, 'saddr' | 'daddr'>> = {
  in: 'saddr',
  in_r: 'daddr',
  out: 'daddr',
  out_r: 'saddr',
};

/**
 * Neighbour discovery and its inverse, which no router passes on (RFC 4861, 3122: hop limit 255); and listeners of groups,
 * without whom switches that snoop stop delivering its questions (RFC 2710, 3810: hop limit 1, from the link).
 */
const NEIGHBOURS = [
  'icmpv6 type { 133, 134, 135, 136, 141, 142 } icmpv6 code 0 ip6 hoplimit 255 accept',
  'ip6 saddr { ::, fe80::/10 } ip6 hoplimit 1 icmpv6 type { 130, 131, 132, 143 } accept',
];

/** The other end of a lease: over IPv4 any server or relay, over IPv6 (RFC 8415) one on the link. */
const LEASES = {
  in: ['meta nfproto ipv4 udp sport 67 udp dport 68', 'ip6 saddr fe80::/10 udp sport 547 udp dport 546'],
  out: ['meta nfproto ipv4 udp sport 68 udp dport 67', 'meta nfproto ipv6 udp sport 546 udp dport 547'],
  out_r: ['meta nfproto ipv4 udp sport 67 udp dport 68', 'ip6 saddr fe80::/10 udp sport 547 udp dport 546'],
} as const;

/**
 * What does not leave the host. The way out is not told anew to packets whose destination was translated (`dnat`): what a
 * program sends to its own host may go to a container, or anywhere.
 */
const STAYS = 'oif lo jump stays';
const STAYING = ['ct status and dnat == 0 accept', 'fib daddr type local accept'];

/** Nobody outside has this host's own addresses. In IPv4 the kernel sees to it; what the host sends to groups comes back to it. */
const FORGED_OWN = 'iif != 0 ip6 daddr != ff00::/8 fib saddr type local drop';

const quoted = (name: string): string => `"${name}"`;

/** `lo` and `docker*`, as nft reads them; anything else could end the text early. */
const interfaceNames = (names: readonly string[]): string[] =>
  names.filter(name => /^[\w.@:-]{1,15}\*?$/.test(name));

const ipOf = (family: 4 | 6): string => (family === 4 ? 'ip' : 'ip6');

function dispatchRules(port: Port, { addresses, cgroups }: Dispatch, bySocket: boolean): string[] {
  const byFamily = ([4, 6] as const).flatMap(family => {
    const elements = [...addresses]
      .filter(([, unit]) => unit.family === family)
      .map(([address, unit]) => `${address} : ${unit[port]}`);
    return elements.length === 0 ? [] : [`${ipOf(family)} ${OWN[port]} vmap { ${elements.join(', ')} }`];
  });
  // The innermost first: a unit may be a part of another one's control group.
  const sockets = cgroups
    .map(unit => ({ ...unit, level: unit.path.split('/').length }))
    .sort((a, b) => b.level - a.level)
    .map(({ level, path, id, ...unit }) => {
      const which = id === undefined ? '' : ` comment ${quoted(`control group ${id}`)}`;
      return `socket cgroupv2 level ${level} ${quoted(path)} ${unit[port]}${which}`;
    });
  return [...(bySocket ? sockets : []), ...byFamily];
}

/**
 * A unit's address is believed only where the unit is: who forwards for units must not take one for another, because it
 * says so, nor in a connection of the other's. Units that share one interface, such as a bridge, are not told apart.
 */
function forged(port: Port, { addresses }: Dispatch): string[] {
  if (port !== 'out') return [];
  return ([4, 6] as const).flatMap(family => {
    const own = [...addresses].flatMap(([address, unit]) => (unit.family === family ? [address] : []));
    return own.length === 0
      ? []
      : [`${ipOf(family)} ${OWN[port]} { ${own.join(', ')} } fib saddr . iif oif missing drop`];
  });
}

const wayOf = (port: Port): Way => (port.startsWith('in') ? 'in' : 'out');

/** Marks the connection as let through, so that errors about it are as well: without them a path's MTU is not found. */
const letThrough = (port: Port): string => `goto yes_${wayOf(port)}`;

/** What lets endpoints' packets through, from this host and back: one rule a family, however many there are. */
function endpointRules(port: 'out' | 'out_r', endpoints: readonly Endpoint[]): string[] {
  const places = endpoints.flatMap(({ address, port: at }) =>
    singleRanges([address]).map(range => ({
      family: range.family,
      text: `${rangeOf(range.family, range)} . ${at}`,
    })),
  );
  const field = port === 'out' ? 'dport' : 'sport';
  return ([4, 6] as const).flatMap(family => {
    const own = places.filter(place => place.family === family).map(({ text }) => text);
    const key = `${ipOf(family)} ${PEER[port]} . th ${field}`;
    return own.length === 0
      ? []
      : [`meta l4proto { tcp, udp } ${key} { ${[...new Set(own)].join(', ')} } ${letThrough(port)}`];
  });
}

/** What the host always may: its control plane, names, leases and neighbours. */
function infrastructure(port: Port, { infrastructure: { controlPlane, resolvers } }: HostPolicy): string[] {
  if (port === 'in_r') return NEIGHBOURS;
  const leases = LEASES[port].map(match => `${match} ${letThrough(port)}`);
  if (port === 'in') return [...NEIGHBOURS, ...leases];
  return [
    ...NEIGHBOURS,
    ...leases,
    ...endpointRules(port, [...resolvers.map(address => ({ address, port: 53 })), ...controlPlane]),
  ];
}

/** Longer than any datagram that resolvers send without fragments. */
const DNS_SNAPLEN = 4096;

/**
 * What is asked of the resolvers, and what they answer, where the policy holds names that nobody can list. Before
 * everything else, because a socket may ask more than once. A flood of questions must not crowd out other records.
 */
function overheard(
  port: Port,
  { payloads, infrastructure: { resolvers } }: HostPolicy,
  group: number,
): string[] {
  const isWanted = payloads['policy.json'].externalNetworks.some(({ entries }) =>
    entries.some(isWildcardName),
  );
  if (!isWanted || (port !== 'out' && port !== 'out_r')) return [];
  const [field, prefix] = port === 'out' ? ['dport', DNS_PREFIX.question] : ['sport', DNS_PREFIX.answer];
  return singleRanges(resolvers).map(
    range =>
      `${ipOf(range.family)} ${PEER[port]} ${rangeOf(range.family, range)} udp ${field} 53 ` +
      `limit rate 1000/second burst 1000 packets log prefix "${prefix}" group ${group} snaplen ${DNS_SNAPLEN}`,
  );
}

function excludedNetworks(port: Port, { profile }: HostPolicy): string[] {
  const ranges = singleRanges(profile?.excludedNetworks ?? []);
  return ([4, 6] as const).flatMap(family => {
    const own = ranges.filter(range => range.family === family).map(range => rangeOf(family, range));
    return own.length === 0
      ? []
      : [`${ipOf(family)} ${PEER[port]} { ${own.join(', ')} } ${letThrough(port)}`];
  });
}

/** Lets connections go on that were let through, and errors about them, unless their peer is fresh. See nft/epoch.ts. */
const unlessFresh = (port: Port): string => `ct mark and ${MINE[wayOf(port)]} != 0x0 jump fresh_${port}`;

/** What packets of each port meet: those of this host itself, and those that it forwards for its units. */
interface Side {
  /** Before all else, of the host's own: what is only listened to. */
  heard: readonly string[];
  own: readonly string[];
  forwarded: readonly string[];
}
type Sides = Readonly<Record<Port, Side>>;

function sides(policy: HostPolicy, dispatch: Dispatch, group: number): Sides {
  const side = (port: Port): Side => {
    const heard = overheard(port, policy, group);
    const first = [unlessFresh(port), ...excludedNetworks(port, policy)];
    const own = port === 'in' ? [FORGED_OWN] : [];
    const goesOn = `jump est_${wayOf(port)}`;
    const units = (bySocket: boolean) => dispatchRules(port, dispatch, bySocket);
    return {
      heard,
      own: [...first, ...own, ...infrastructure(port, policy), ...units(true), dispatch.host[port]],
      forwarded: [...heard, ...forged(port, dispatch), goesOn, ...first, ...own, ...units(false), 'accept'],
    };
  };
  return { in: side('in'), in_r: side('in_r'), out: side('out'), out_r: side('out_r') };
}

function hook(
  kind: 'input' | 'output' | 'forward',
  priority: number,
  first: readonly string[],
  answers: string,
  rest: readonly string[],
) {
  const spec = `type filter hook ${kind} priority ${priority}; policy drop;`;
  return { hook: spec, rules: [...first, `ct direction reply goto ${answers}`, ...rest] };
}

/** The fixed frame that every packet meets first. `group`: of the log. */
export function frame(policy: HostPolicy, dispatch: Dispatch, group: number): Map<string, Chain> {
  const names = interfaceNames(policy.profile?.excludedInterfaces ?? []);
  const ins = names.map(name => `iifname ${quoted(name)} accept`);
  const outs = names.map(name => `oifname ${quoted(name)} accept`);
  const found = sides(policy, dispatch, group);
  // Each packet pays for each rule, and to go on elsewhere is one: what most packets need comes first, and what asks
  // stands in the hook itself.
  const input = [...found.out_r.heard.map(rule => `ct direction reply ${rule}`), 'jump est_input'];
  const output = [...found.out.heard, 'jump est_output'];
  return new Map<string, Chain>([
    ['stays', { rules: STAYING }],
    ['side_in_r', { rules: found.in_r.own }],
    ['side_out_r', { rules: found.out_r.own }],
    ['hook_in', hook('input', 0, [...input, 'iif lo accept', ...ins], 'side_out_r', found.in.own)],
    ['hook_out', hook('output', 0, [...output, STAYS, ...outs], 'side_in_r', found.out.own)],
    // Nothing is forwarded for units that aren't there: packets of other hosts don't pay for them.
    ...(dispatch.addresses.size > 0 ? passing(ins, outs, found) : []),
  ]);
}

/**
 * Two chains each, because an accept ends its own chain only: both ends of a flow may be here, one of them in a container
 * that the host reaches over a link of its own. The source decides first.
 */
function passing(ins: string[], outs: string[], found: Sides): [string, Chain][] {
  const all = [...ins, ...outs];
  return [
    ...(['in', 'in_r', 'out', 'out_r'] as const).map((port): [string, Chain] => [
      `pass_${port}`,
      { rules: found[port].forwarded },
    ]),
    [
      'hook_in_pass',
      hook('input', -1, ['iif lo accept', ...ins, ...NEIGHBOURS], 'pass_in_r', ['goto pass_out']),
    ],
    ['hook_out_pass', hook('output', 1, [STAYS, ...outs, ...NEIGHBOURS], 'pass_out_r', ['goto pass_in'])],
    ['hook_fwd_out', hook('forward', 0, all, 'pass_out_r', ['goto pass_out'])],
    ['hook_fwd_in', hook('forward', 1, all, 'pass_in_r', ['goto pass_in'])],
  ];
}

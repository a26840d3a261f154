import {
  ICMP,
  ICMP6,
  type PortSet,
  type ProtocolPort,
  type Range,
  type TCP,
  type UDP,
} from '../schema/protocol-ports.ts';
import { protocolName } from '../schema/protocols.ts';

/** What a flow's first packet carries. `protocol` is the IANA number; `port` is the destination's. */
export type Traffic =
  | { kind: 'ports'; protocol: typeof TCP | typeof UDP; port: number }
  | { kind: 'icmp'; protocol: typeof ICMP | typeof ICMP6; type: number; code: number }
  | { kind: 'protocol'; protocol: number };

const within = (value: number, { from, to }: Range): boolean => value >= from && value <= to;

const entryMatches = (entry: ProtocolPort, traffic: Traffic): boolean => {
  if (entry.protocol !== traffic.protocol) return false;
  if (entry.kind === 'ports') return traffic.kind === 'ports' && within(traffic.port, entry.ports);
  if (entry.kind === 'protocol') return traffic.kind === 'protocol';
  if (traffic.kind !== 'icmp') return false;
  if (entry.type !== undefined && entry.type !== traffic.type) return false;
  return entry.codes === undefined || entry.codes.some(range => within(traffic.code, range));
};

/** Is the traffic in the set? */
export const portsMatch = (set: PortSet, traffic: Traffic): boolean =>
  set === 'any' || set.some(entry => entryMatches(entry, traffic));

/** Sorted, without overlaps, and neighbours made one. */
function merge(ranges: readonly Range[]): Range[] {
  const merged: Range[] = [];
  for (const { from, to } of [...ranges].sort((a, b) => a.from - b.from)) {
    const last = merged.at(-1);
    if (last && from <= last.to + 1) last.to = Math.max(last.to, to);
    else merged.push({ from, to });
  }
  return merged;
}

const common = (a: readonly Range[], b: readonly Range[]): Range[] =>
  merge(
    a.flatMap(x =>
      b.flatMap(y => {
        const range = { from: Math.max(x.from, y.from), to: Math.min(x.to, y.to) };
        return range.from <= range.to ? [range] : [];
      }),
    ),
  );

const ALL_CODES: readonly Range[] = [{ from: 0, to: 255 }];

/** One protocol's part of a set: what of it is in. `types` maps an ICMP type to its codes. */
type Part = 'whole' | { ports: Range[] } | { types: Map<number, Range[]> };

function partOf(entries: readonly ProtocolPort[]): Part {
  const ports: Range[] = [];
  const types = new Map<number, Range[]>();
  for (const entry of entries) {
    if (entry.kind === 'protocol' || (entry.kind === 'icmp' && entry.type === undefined)) return 'whole';
    if (entry.kind === 'ports') ports.push(entry.ports);
    else if (entry.type !== undefined)
      types.set(entry.type, merge([...(types.get(entry.type) ?? []), ...(entry.codes ?? ALL_CODES)]));
  }
  return ports.length > 0 ? { ports: merge(ports) } : { types };
}

function partCommon(a: Part, b: Part): Part {
  if (a === 'whole') return b;
  if (b === 'whole') return a;
  if ('ports' in a && 'ports' in b) return { ports: common(a.ports, b.ports) };
  if ('ports' in a || 'ports' in b) return { ports: [] };
  return {
    types: new Map(
      [...a.types].flatMap(([type, codes]) => {
        const both = common(codes, b.types.get(type) ?? []);
        return both.length > 0 ? [[type, both] as const] : [];
      }),
    ),
  };
}

function entriesOf(protocol: number, part: Part): ProtocolPort[] {
  const icmp = protocol === ICMP || protocol === ICMP6 ? protocol : undefined;
  if (part === 'whole') return icmp ? [{ kind: 'icmp', protocol: icmp }] : [{ kind: 'protocol', protocol }];
  if ('ports' in part)
    return part.ports.map(ports => ({ kind: 'ports', protocol: protocol === 6 ? 6 : 17, ports }));
  if (!icmp) return [];
  return [...part.types]
    .sort(([a], [b]) => a - b)
    .map(([type, codes]) => {
      const whole = codes.length === 1 && codes[0]?.from === 0 && codes[0].to === 255;
      return whole ? { kind: 'icmp', protocol: icmp, type } : { kind: 'icmp', protocol: icmp, type, codes };
    });
}

const byProtocol = (entries: readonly ProtocolPort[]): Map<number, Part> =>
  new Map(
    [...Map.groupBy(entries, entry => entry.protocol)].map(([protocol, own]) => [protocol, partOf(own)]),
  );

const fromParts = (parts: Iterable<readonly [number, Part]>): ProtocolPort[] =>
  [...parts].sort(([a], [b]) => a - b).flatMap(([protocol, part]) => entriesOf(protocol, part));

/** The same set, each protocol once and in order, ranges merged. */
export const canonicalPorts = (set: PortSet): PortSet => (set === 'any' ? set : fromParts(byProtocol(set)));

/** Exactly what is in both sets. An empty list is the empty set: nothing matches it. */
export function intersectPorts(a: PortSet, b: PortSet): PortSet {
  if (a === 'any') return canonicalPorts(b);
  if (b === 'any') return canonicalPorts(a);
  const right = byProtocol(b);
  return fromParts(
    [...byProtocol(a)].flatMap(([protocol, part]) => {
      const other = right.get(protocol);
      return other === undefined ? [] : [[protocol, partCommon(part, other)] as const];
    }),
  );
}

const printRange = ({ from, to }: Range): string => (from === to ? String(from) : `${from}:${to}`);

/** As the API writes it: `icmp6` where IANA says IPv6-ICMP. */
export const protocolLabel = (protocol: number): string =>
  protocol === ICMP ? 'icmp' : protocol === ICMP6 ? 'icmp6' : protocolName(protocol);

const printEntry = (entry: ProtocolPort): string => {
  const name = protocolLabel(entry.protocol);
  if (entry.kind === 'ports') return `${name}/${printRange(entry.ports)}`;
  if (entry.kind === 'protocol' || entry.type === undefined) return name;
  return `${name}/${entry.type}${entry.codes ? `/${entry.codes.map(printRange).join(',')}` : ''}`;
};

/** As the API writes it. `any` for everything; the empty set has no such form and gives an empty list. */
export const printPorts = (set: PortSet): string[] => (set === 'any' ? ['any'] : set.map(printEntry));

/** `tcp/443`, `icmp/8/0`, `esp`. */
export const printTraffic = (traffic: Traffic): string => {
  if (traffic.kind === 'ports') return `${protocolLabel(traffic.protocol)}/${traffic.port}`;
  if (traffic.kind === 'icmp') return `${protocolLabel(traffic.protocol)}/${traffic.type}/${traffic.code}`;
  return protocolLabel(traffic.protocol);
};

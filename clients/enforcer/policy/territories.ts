import { NetworkIndex } from '../../../shared/core/cidr.ts';
import type { BundleExternalNetwork } from '../../../shared/schema/bundle.ts';
import { type Cidr, parseCidr } from '../../../shared/schema/cidr.ts';

export type Family = 4 | 6;
/** What of an external network counts here. */
type Entries = Pick<BundleExternalNetwork, 'entries'>;
export const FAMILIES = [4, 6] as const satisfies readonly Family[];

/** Of an address, in whatever text. */
export const familyOf = (address: string): Family => (address.includes(':') ? 6 : 4);

const BITS = { 4: 32n, 6: 128n } as const;

const numberOf = (words: readonly number[]): bigint =>
  words.reduce((value, word) => (value << 32n) | BigInt(word), 0n);

/** As nft and every parser read it. */
export function addressText(family: Family, value: bigint): string {
  if (family === 4) return [24n, 16n, 8n, 0n].map(shift => String((value >> shift) & 255n)).join('.');
  return Array.from({ length: 8 }, (_, at) => ((value >> BigInt(112 - 16 * at)) & 0xffffn).toString(16)).join(
    ':',
  );
}

/** Addresses from `from` to `to`, both in it, and the networks that hold all of them, by position. */
export interface Territory {
  from: bigint;
  to: bigint;
  networks: readonly number[];
}

const cidrsOf = (networks: readonly Entries[], family: Family): Cidr[] =>
  networks
    .flatMap(({ entries }) => entries.map(entry => parseCidr(entry.replace(/^!/, ''))))
    .filter(cidr => cidr !== undefined && cidr.family === family)
    .map(cidr => cidr as Cidr);

/**
 * All addresses of a family, cut wherever a network begins or ends; stretches that no network holds are left out.
 * Sorted.
 */
export function territoriesOf(
  networks: readonly Entries[],
  index: NetworkIndex,
  family: Family,
): Territory[] {
  const end = 1n << BITS[family];
  const starts = new Set<bigint>();
  for (const { words, length } of cidrsOf(networks, family)) {
    const from = numberOf(words);
    starts.add(from).add(from + (1n << (BITS[family] - BigInt(length))));
  }
  const sorted = [...starts].filter(start => start < end).sort((a, b) => (a < b ? -1 : 1));
  return sorted
    .map((from, at) => ({
      from,
      to: (sorted[at + 1] ?? end) - 1n,
      networks: index.find(addressText(family, from), undefined).map(({ network }) => network),
    }))
    .filter(territory => territory.networks.length > 0);
}

export const indexOf = (networks: readonly Entries[]): NetworkIndex =>
  new NetworkIndex(networks.map(({ entries }) => entries));

/** As an element of an interval map. */
export const rangeOf = (family: Family, { from, to }: { from: bigint; to: bigint }): string =>
  from === to ? addressText(family, from) : `${addressText(family, from)}-${addressText(family, to)}`;

export interface Range {
  family: Family;
  from: bigint;
  to: bigint;
}

/** What a list of CIDRs, `!` CIDRs and addresses holds, longest prefix first, without overlaps. Other text is left out. */
export function singleRanges(entries: readonly string[]): Range[] {
  const cidrs = entries.filter(entry => parseCidr(entry.replace(/^!/, '')) !== undefined);
  if (cidrs.length === 0) return [];
  const network: Entries = { entries: cidrs };
  const index = indexOf([network]);
  return FAMILIES.flatMap(family =>
    territoriesOf([network], index, family).reduce<Range[]>((ranges, { from, to }) => {
      const last = ranges.at(-1);
      if (last && last.to + 1n === from) last.to = to;
      else ranges.push({ family, from, to });
      return ranges;
    }, []),
  );
}

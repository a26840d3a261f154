import { maskOf, parseAddress } from '../schema/cidr.ts';
import { type NetworkEntry, parseNetworkEntries } from '../schema/network-entry.ts';

/** An external network that a peer lies in, by its position in the list, with the entry that put it there. */
export interface NetworkMatch {
  network: number;
  entry: string;
}

interface Placed {
  network: number;
  entry: string;
  excluded: boolean;
}

/** All prefixes of one family and length: masked address → who has it. */
interface Level {
  length: number;
  masks: readonly number[];
  /** IPv4 is keyed by its only word, IPv6 by its four as text. */
  at: Map<number | string, Placed[]>;
}

const keyOf = (words: readonly number[]): number | string =>
  words.length === 1 ? (words[0] ?? 0) : words.join('.');

const append = <K>(map: Map<K, Placed[]>, key: K, placed: Placed): void => {
  const list = map.get(key);
  if (list) list.push(placed);
  else map.set(key, [placed]);
};

/**
 * Which of many external networks an address or a DNS name lies in. One hash table a prefix length, so a look-up
 * costs as many probes as there are different lengths. Within one network the longest prefix decides: a `!` entry
 * excludes, unless a longer included one holds the address too.
 */
export class NetworkIndex {
  readonly #levels: Record<4 | 6, Level[]> = { 4: [], 6: [] };
  readonly #names = new Map<string, Placed[]>();
  readonly #suffixes = new Map<string, Placed[]>();

  /** `networks`: entries as the API took them, one list a network. */
  constructor(networks: readonly (readonly string[])[]) {
    for (const [network, entries] of networks.entries())
      for (const [at, parsed] of parseNetworkEntries(entries).entries())
        this.#add(parsed, { network, entry: entries[at] ?? '', excluded: false });
    for (const levels of Object.values(this.#levels)) levels.sort((a, b) => a.length - b.length);
  }

  #add(parsed: NetworkEntry, placed: Placed): void {
    if (parsed.kind === 'name') {
      append(parsed.wildcard ? this.#suffixes : this.#names, parsed.name, placed);
      return;
    }
    const { family, words, length } = parsed.cidr;
    const levels = this.#levels[family];
    let level = levels.find(one => one.length === length);
    if (!level) {
      level = { length, masks: words.map((_, at) => maskOf(at, length)), at: new Map() };
      levels.push(level);
    }
    append(level.at, keyOf(words), { ...placed, excluded: parsed.excluded });
  }

  /**
   * Networks that hold the address or match one of the names, in order of the list. Text that is no address holds nowhere. By which
   * entry is told of the address before the names, and of these in their order.
   */
  find(address: string | undefined, ...names: readonly (string | undefined)[]): NetworkMatch[] {
    const found = new Map<number, string>();
    if (address !== undefined) this.#findAddress(address, found);
    for (const name of names)
      if (name !== undefined) this.#findName(name.replace(/\.$/, '').toLowerCase(), found);
    return [...found].sort(([a], [b]) => a - b).map(([network, entry]) => ({ network, entry }));
  }

  #findAddress(address: string, found: Map<number, string>): void {
    if (this.#levels[4].length + this.#levels[6].length === 0) return;
    const host = parseAddress(address);
    if (!host) return;
    for (const { masks, at } of this.#levels[host.family]) {
      const masked = host.words.map((word, index) => (word & (masks[index] ?? 0)) >>> 0);
      for (const { network, entry, excluded } of at.get(keyOf(masked)) ?? []) {
        if (excluded) found.delete(network);
        else found.set(network, entry);
      }
    }
  }

  #findName(name: string, found: Map<number, string>): void {
    const add = (placed: readonly Placed[] = []) => {
      for (const { network, entry } of placed) if (!found.has(network)) found.set(network, entry);
    };
    add(this.#names.get(name));
    for (let dot = name.indexOf('.'); dot >= 0; dot = name.indexOf('.', dot + 1))
      add(this.#suffixes.get(name.slice(dot + 1)));
  }
}

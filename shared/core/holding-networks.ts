import { NetworkIndex, type NetworkMatch } from './cidr.ts';
import type { TagClass } from './clause-table.ts';

/** Addresses and sets that are remembered; past it they are forgotten and found anew. */
const KEPT = 65_536;

/** External networks that hold an address, by position: the same object for the same networks. */
export interface NetworkSet {
  id: number;
  networks: readonly number[];
  classes: readonly TagClass[];
}

/** They, and the entry of each that holds it. */
export interface Holding {
  set: NetworkSet;
  entries: readonly string[];
}

/** Tells which external networks of a namespace hold an address or a name. */
export class HoldingNetworks {
  readonly #index: NetworkIndex;
  readonly #classes: readonly TagClass[];
  #sets = new Map<string, NetworkSet>();
  #addresses = new Map<string, Holding>();
  #nextSet = 0;

  /** The entries and the class of each network. */
  constructor(entries: readonly (readonly string[])[], classes: readonly TagClass[]) {
    this.#index = new NetworkIndex(entries);
    this.#classes = classes;
  }

  of(address: string | undefined, names: readonly string[]): Holding {
    const known = names.length === 0 ? this.#addresses.get(address ?? '') : undefined;
    if (known) return known;
    const matches = this.#index.find(address, ...names);
    const made = { set: this.#setOf(matches), entries: matches.map(({ entry }) => entry) };
    if (names.length > 0) return made;
    if (this.#addresses.size >= KEPT) this.#addresses = new Map();
    this.#addresses.set(address ?? '', made);
    return made;
  }

  #setOf(matches: readonly NetworkMatch[]): NetworkSet {
    const networks = matches.map(({ network }) => network);
    const key = networks.join(',');
    const known = this.#sets.get(key);
    if (known) return known;
    if (this.#sets.size >= KEPT) this.#sets = new Map();
    const classes = networks.flatMap(network => this.#classes[network] ?? []);
    const made = { id: this.#nextSet++, networks, classes };
    this.#sets.set(key, made);
    return made;
  }
}

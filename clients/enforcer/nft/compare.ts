import { AddressTable } from '../policy/address-table.ts';
import { type Elements, type Model, sizeOf } from '../policy/model.ts';
import { numberIn } from '../policy/numbers.ts';
import { WordTable } from '../policy/word-table.ts';
import { type Epoch, epochChains, NOTHING, type Standing } from './epoch.ts';
import { holdsPeers, type Listener, type Listing } from './listing.ts';

/** Digests of chains as the kernel lists them: what was seen after they were applied. */
export type Seen = Map<string, string>;

const shorten = (names: readonly string[]): string =>
  names.length > 3 ? `${names.slice(0, 3).join(', ')} and ${names.length - 3} more` : names.join(', ');

/** Elements of a map, of which each is ticked off as it is listed. */
class Checklist {
  readonly #elements: Elements;
  /** Keys that were listed as they should be. */
  readonly #ticked: Set<string> | AddressTable;
  #isWrong = false;

  constructor(name: string, elements: Elements) {
    this.#elements = elements;
    this.#ticked = holdsPeers(name) ? new AddressTable() : new Set();
  }

  tick(key: string, value: string): void {
    if (this.#elements.get(key) !== value) this.#isWrong = true;
    else if (this.#ticked instanceof Set) this.#ticked.add(key);
    else this.#ticked.set(key, 1);
  }

  get isDone(): boolean {
    return !this.#isWrong && this.#ticked.size === this.#elements.size;
  }
}

/**
 * Compares what the kernel lists with the model, while it is listed: nothing of it is kept but what differs, and what
 * there was of each thing that should be there.
 */
export class Comparison implements Listener {
  readonly #model: Model;
  readonly #chains: Model['chains'];
  readonly #seen: Seen;
  /** Digests of chains that were seen for the first time. */
  readonly #news: Seen = new Map();
  /** By themselves: a name as it was listed would keep everything in memory that came with it. */
  readonly #absent: Map<string, string>;
  readonly #strange: string[] = [];
  readonly #wrong: string[] = [];
  readonly #maps: ReadonlyMap<string, Checklist>;
  /** Numbers of ends that are counted as they should be. */
  readonly #counted = new WordTable(1);
  #digest = '';

  constructor(model: Model, standing: Standing, seen: Seen) {
    this.#model = model;
    this.#seen = seen;
    this.#chains = new Map([...epochChains(standing), ...model.chains]);
    this.#absent = new Map([...this.#chains.keys()].map(name => [name, name]));
    this.#maps = new Map(
      [...model.maps].map(([name, { elements }]) => [name, new Checklist(name, elements)]),
    );
  }

  chain(name: string, rules: number, digest: string): void {
    const chain = this.#chains.get(name);
    if (!chain) {
      this.#strange.push(name);
      return;
    }
    const own = this.#absent.get(name) ?? name;
    this.#absent.delete(name);
    const known = this.#seen.get(name);
    if (rules !== sizeOf(chain) || (known !== undefined && known !== digest)) this.#wrong.push(name);
    else if (known === undefined) this.#news.set(own, digest);
  }

  element(map: string, key: string, value: string): void {
    this.#maps.get(map)?.tick(key, value);
  }

  map(): void {
    // Each of its elements was looked at.
  }

  counter(number: string): void {
    if (this.#model.counters.has(number)) this.#counted.set([numberIn(number)], 1);
  }

  stamp(digest: string, _epoch: Epoch): void {
    this.#digest = digest;
  }

  /** What tells the kernel's table from the model, in one sentence; empty when nothing does. */
  get difference(): string {
    const maps = [...this.#maps].filter(([, list]) => !list.isDone).map(([name]) => name);
    const findings: [string, readonly string[]][] = [
      ['chains are missing:', [...this.#absent.keys()]],
      ['chains are not ours:', this.#strange],
      ['rules differ in', this.#wrong],
      ['elements differ in', maps],
      ['counters are missing:', this.#uncounted],
    ];
    const [found] = findings.filter(([, names]) => names.length > 0);
    if (found) return `${found[0]} ${shorten(found[1])}`;
    return this.#digest === this.#model.digest ? '' : 'the digest differs';
  }

  get #uncounted(): readonly string[] {
    const { counters } = this.#model;
    if (this.#counted.size === counters.size) return [];
    return [...counters].filter(number => this.#counted.get([numberIn(number)]) === undefined);
  }

  /** Nothing differed: from now on chains have to be listed as they were this time. */
  learn(): void {
    for (const [name, digest] of this.#news) this.#seen.set(name, digest);
    for (const name of this.#seen.keys()) if (!this.#chains.has(name)) this.#seen.delete(name);
  }
}

const isHashed = (name: string): boolean => /^[ct]_[0-9a-f]{16}$/.test(name);

/**
 * The kernel's table as a model to change from: after a restart. Chains that are named for what is in them are taken at
 * their word, all others count as changed.
 */
export function adopted(listing: Listing, next: Model): Model {
  const fixed = epochChains(NOTHING);
  const chains = [...listing.chains.keys()].filter(name => !fixed.has(name));
  return {
    chains: new Map(
      chains.map(name => [name, (isHashed(name) ? next.chains.get(name) : undefined) ?? { rules: [] }]),
    ),
    maps: new Map(
      [...listing.maps].map(([name, { interval, elements }]) => [
        name,
        {
          holds: next.maps.get(name)?.holds ?? 'territories',
          type: next.maps.get(name)?.type ?? '',
          interval,
          elements,
        },
      ]),
    ),
    counters: new Set(listing.counters.keys()),
    meanings: new Map(),
    digest: listing.digest,
    warnings: [],
  };
}

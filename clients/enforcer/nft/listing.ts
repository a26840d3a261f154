import { AddressTable } from '../policy/address-table.ts';
import { singleAddress } from '../policy/addresses.ts';
import { ClassMap } from '../policy/class-map.ts';
import { type Elements, shortHash, TALLY } from '../policy/model.ts';
import { numberIn } from '../policy/numbers.ts';
import { rangeOf, singleRanges } from '../policy/territories.ts';
import type { Epoch } from './epoch.ts';

/** What the kernel says that our table holds. */
export interface Listing {
  /** Chain → how many rules it has, and a digest of them in their order. */
  chains: ReadonlyMap<string, { rules: number; digest: string }>;
  /** Map → elements as the model has them: `10.0.0.1` or `10.0.0.0-10.0.0.7` → `goto c_…`. */
  maps: ReadonlyMap<string, { interval: boolean; elements: Elements }>;
  /** By the numbers of the ends that they count for. */
  counters: ReadonlyMap<string, { packets: number; bytes: number }>;
  digest: string;
  epoch: Epoch;
}

/** A key in the model's own text, whichever way nft prefers to write it. */
function keyText(text: string): string {
  const single = singleAddress(text);
  if (single) return single.text;
  const [first = '', last] = text.split('-');
  const [from] = singleRanges([first]);
  const to = last === undefined ? from : singleRanges([last])[0];
  return from && to ? rangeOf(from.family, { from: from.from, to: to.to }) : text;
}

/** The stamp's words, in order: eight of the digest, and the epoch. */
function stampOf(words: ReadonlyMap<string, string>): { digest: string; epoch: Epoch } {
  const at = (place: number) => Number(words.get(`0x${place.toString(16).padStart(8, '0')}`) ?? 0);
  const text = Array.from({ length: 8 }, (_, place) => at(place).toString(16).padStart(7, '0'));
  return { digest: text.join(''), epoch: at(8) };
}

/** One element: `key : value`, `key`, or `key counter packets 1 bytes 60`. */
type Take = (key: string, value: string) => void;

/** What an end saw that flows are counted for. */
type Saw = { packets: number; bytes: number };

/** Nothing: most of them, and one for all. */
const IDLE: Saw = { packets: 0, bytes: 0 };

const COUNTED = /^(\S+) counter(?: packets (\d+) bytes (\d+))?$/;

/** Maps from single addresses, whose numbers are classes. */
export const holdsPeers = (map: string): boolean => /^p[46]_/.test(map);
const holdsStretches = (map: string): boolean => /^n[46]_/.test(map);

/** Whom a listing is told, one thing after the other, as it comes. */
export interface Listener {
  chain(name: string, rules: number, digest: string): void;
  /** Keys as the model has them. */
  element(map: string, key: string, value: string): void;
  /** After its elements. */
  map(name: string, isInterval: boolean): void;
  counter(number: string, saw: Saw): void;
  stamp(digest: string, epoch: Epoch): void;
}

/**
 * Reads what `nft -nn list table` prints, and what it prints of one map or set, line by line: the text is many times as
 * large as what anybody wants of it, so that nothing of it is kept here. Throws on what it does not know.
 */
export class TableReader {
  readonly #listener: Listener;
  /** What the lines go to that come next. */
  #body: ((line: string) => void) | undefined;
  #end: (() => unknown) | undefined;

  constructor(listener: Listener) {
    this.#listener = listener;
  }

  line(text: string): void {
    if (text === '\t}') {
      this.#end?.();
      this.#body = undefined;
      this.#end = undefined;
    } else if (text.startsWith('\t\t')) this.#body?.(text.slice(2));
    else if (text.startsWith('\t')) this.#begin(text.trim());
    else if (text !== '' && text !== '}' && !text.startsWith('table '))
      throw new TypeError(`nft listed \`${text.slice(0, 60)}\`, which is not understood`);
  }

  #begin(head: string): void {
    const [kind, name = ''] = head.split(' ');
    if (kind === 'chain') this.#chain(name);
    else if (kind === 'map' && name === 'stamp') this.#stamp();
    else if (kind === 'map') this.#map(name);
    else if (kind === 'set' && name === TALLY) this.#elements(element => this.#counter(element));
  }

  #chain(name: string): void {
    const rules: string[] = [];
    this.#body = line => {
      if (!(line.startsWith('type ') && line.includes(' hook '))) rules.push(line);
    };
    this.#end = () => this.#listener.chain(name, rules.length, shortHash(rules.join('\n')));
  }

  #stamp(): void {
    const words = new Map<string, string>();
    this.#elements(
      (key, value) => words.set(key, value),
      () => {
        const { digest, epoch } = stampOf(words);
        this.#listener.stamp(digest, epoch);
      },
    );
  }

  #map(name: string): void {
    const hasAddresses = holdsPeers(name) || holdsStretches(name);
    let isInterval = false;
    this.#elements(
      (key, value) => this.#listener.element(name, hasAddresses ? keyText(key) : key, value),
      () => this.#listener.map(name, isInterval),
      line => {
        isInterval ||= line.startsWith('flags ') && line.includes('interval');
      },
    );
  }

  #counter(element: string): void {
    const [, number, packets = '0', bytes = '0'] = COUNTED.exec(element) ?? [];
    if (number === undefined) throw new TypeError(`nft listed \`${element}\` where flows are counted`);
    const isIdle = packets === '0' && bytes === '0';
    this.#listener.counter(number, isIdle ? IDLE : { packets: Number(packets), bytes: Number(bytes) });
  }

  #elements(take: Take, end?: () => unknown, other?: (line: string) => void): void {
    let inside = false;
    this.#body = line => {
      if (inside) eachElement(line, 0, take);
      else if (line.startsWith(FIRST)) {
        inside = true;
        eachElement(line, FIRST.length, take);
      } else other?.(line);
    };
    this.#end = end;
  }
}

const FIRST = 'elements = {';

/** Hands on what a line has of elements, from there on. */
function eachElement(line: string, from: number, take: Take): void {
  const to = line.endsWith('}') ? line.length - 1 : line.length;
  for (let at = from; at < to; ) {
    const comma = line.indexOf(',', at);
    const end = comma < 0 || comma > to ? to : comma;
    const element = line.slice(at, end).trim();
    const middle = element.indexOf(' : ');
    if (middle >= 0) take(element.slice(0, middle), element.slice(middle + 3));
    else if (element !== '') take(element, '');
    at = end + 1;
  }
}

/** Keeps everything that it reads. */
export class ListingReader extends TableReader {
  readonly listing: Listing;

  constructor() {
    const kept = new Kept();
    super(kept);
    this.listing = kept;
  }
}

class Kept implements Listener, Listing {
  readonly chains = new Map<string, { rules: number; digest: string }>();
  readonly maps = new Map<string, { interval: boolean; elements: Elements }>();
  readonly counters = new Map<string, Saw>();
  digest = '';
  epoch: Epoch = 0;
  /** Of the map that is being read. */
  #plain = new Map<string, string>();
  #peers = new AddressTable();

  chain(name: string, rules: number, digest: string): void {
    this.chains.set(name, { rules, digest });
  }

  element(map: string, key: string, value: string): void {
    if (holdsPeers(map)) this.#peers.set(key, numberIn(value));
    else this.#plain.set(key, value);
  }

  map(name: string, interval: boolean): void {
    const elements = holdsPeers(name) ? ClassMap.around(this.#peers) : this.#plain;
    this.maps.set(name, { interval, elements });
    this.#plain = new Map();
    this.#peers = new AddressTable();
  }

  counter(number: string, saw: Saw): void {
    this.counters.set(number, saw);
  }

  stamp(digest: string, epoch: Epoch): void {
    Object.assign(this, { digest, epoch });
  }
}

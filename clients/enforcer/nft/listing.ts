import { createHash } from 'node:crypto';
import { AddressTable } from '../policy/address-table.ts';
import { singleAddress } from '../policy/addresses.ts';
import { ClassMap } from '../policy/class-map.ts';
import { type Elements, TALLY } from '../policy/model.ts';
import { numberIn } from '../policy/numbers.ts';
import { rangeOf, singleRanges } from '../policy/territories.ts';
import type { Epoch } from './transaction.ts';

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

/** Of an end that saw nothing: most of them, and one for all. */
const IDLE = { packets: 0, bytes: 0 };

const COUNTED = /^(\S+) counter(?: packets (\d+) bytes (\d+))?$/;

/**
 * Reads what `nft -nn list table` prints, and what it prints of one map or set, line by line: the text is many times as
 * large as what is kept of it. Throws on what it does not know.
 */
export class ListingReader {
  readonly #chains = new Map<string, { rules: number; digest: string }>();
  readonly #maps = new Map<string, { interval: boolean; elements: Elements }>();
  readonly #counters = new Map<string, { packets: number; bytes: number }>();
  #stamp = { digest: '', epoch: 0 };
  /** What the lines go to that come next. */
  #body: ((line: string) => void) | undefined;
  #end: (() => unknown) | undefined;

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

  get listing(): Listing {
    return { chains: this.#chains, maps: this.#maps, counters: this.#counters, ...this.#stamp };
  }

  #begin(head: string): void {
    const [kind, name = ''] = head.split(' ');
    if (kind === 'chain') this.#chain(name);
    else if (kind === 'map' && name === 'stamp') {
      const words = new Map<string, string>();
      this.#elements(
        (key, value) => words.set(key, value),
        () => {
          this.#stamp = stampOf(words);
        },
      );
    } else if (kind === 'map') this.#map(name);
    else if (kind === 'set' && name === TALLY)
      this.#elements(element => {
        const [, number, packets = '0', bytes = '0'] = COUNTED.exec(element) ?? [];
        if (number === undefined) throw new TypeError(`nft listed \`${element}\` where flows are counted`);
        const isIdle = packets === '0' && bytes === '0';
        this.#counters.set(number, isIdle ? IDLE : { packets: Number(packets), bytes: Number(bytes) });
      });
  }

  #chain(name: string): void {
    const hash = createHash('sha256');
    let rules = 0;
    this.#body = line => {
      if (line.startsWith('type ') && line.includes(' hook ')) return;
      hash.update(line).update('\n');
      rules++;
    };
    this.#end = () => {
      this.#chains.set(name, { rules, digest: hash.digest('base64').slice(0, 16) });
    };
  }

  #map(name: string): void {
    const flags = { interval: false };
    const plain = new Map<string, string>();
    const peers = /^p[46]_/.test(name) ? new AddressTable() : undefined;
    const isOfStretches = /^n[46]_/.test(name);
    this.#elements(
      (key, value) => {
        if (peers) peers.set(keyText(key), numberIn(value));
        else plain.set(isOfStretches ? keyText(key) : key, value);
      },
      () => this.#maps.set(name, { ...flags, elements: peers ? ClassMap.around(peers) : plain }),
      line => {
        flags.interval ||= line.startsWith('flags ') && line.includes('interval');
      },
    );
  }

  #elements(take: Take, end?: () => unknown, other?: (line: string) => void): void {
    let inside = false;
    this.#body = line => {
      if (!inside && !line.startsWith('elements = {')) {
        other?.(line);
        return;
      }
      inside = true;
      const text = line.replace('elements = {', '').replace(/\}$/, '').trim();
      for (const element of text.split(', ')) {
        const plain = element.replace(/,$/, '').trim();
        const middle = plain.indexOf(' : ');
        if (middle >= 0) take(plain.slice(0, middle), plain.slice(middle + 3));
        else if (plain !== '') take(plain, '');
      }
    };
    this.#end = end;
  }
}

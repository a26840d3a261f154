import { addressText, type Family } from './territories.ts';
import { WordTable } from './word-table.ts';

/** Words of an address of each family. */
const WORDS = { 4: 1, 6: 4 } as const;

const [DOT, ZERO, NINE] = [46, 48, 57] as const;

/** Text as maps are keyed by it → words. Undefined for what is no such text. */
function wordsOf(text: string): { family: Family; words: readonly number[] } | undefined {
  if (text.includes(':')) {
    const parts = text.split(':');
    if (parts.length !== 8) return undefined;
    const halves = parts.map(part => Number.parseInt(part, 16));
    return {
      family: 6,
      words: [0, 2, 4, 6].map(at => (halves[at] ?? 0) * 65_536 + (halves[at + 1] ?? 0)),
    };
  }
  let [word, part, dots] = [0, 0, 0];
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === DOT) {
      word = word * 256 + part;
      part = 0;
      dots++;
    } else if (code >= ZERO && code <= NINE) part = part * 10 + code - ZERO;
    else return undefined;
  }
  return dots === 3 ? { family: 4, words: [word * 256 + part] } : undefined;
}

const textOf = (family: Family, words: readonly number[]): string =>
  family === 4
    ? words.map(word => `${word >>> 24}.${(word >>> 16) & 255}.${(word >>> 8) & 255}.${word & 255}`).join()
    : addressText(
        6,
        words.reduce((value, word) => (value << 32n) | BigInt(word), 0n),
      );

/**
 * A map from addresses, as the maps of the kernel are keyed by them, to numbers up to 2³² − 1. 100,000 addresses take two
 * megabytes, where a map of texts takes twenty.
 */
export class AddressTable implements Iterable<[string, number]> {
  readonly #places: Record<Family, WordTable>;

  constructor(
    entries: Iterable<readonly [string, number]> = [],
    places: Partial<Record<Family, WordTable>> = {},
  ) {
    this.#places = { 4: places[4] ?? new WordTable(WORDS[4]), 6: places[6] ?? new WordTable(WORDS[6]) };
    for (const [address, value] of entries) this.set(address, value);
  }

  get size(): number {
    return this.#places[4].size + this.#places[6].size;
  }

  set(address: string, value: number): void {
    const key = wordsOf(address);
    if (!key) throw new TypeError(`\`${address}\` is no address`);
    this.#places[key.family].set(key.words, value);
  }

  get(address: string): number | undefined {
    const key = wordsOf(address);
    return key && this.#places[key.family].get(key.words);
  }

  has(address: string): boolean {
    return this.get(address) !== undefined;
  }

  /** Puts another value in place of each. */
  replace(by: (value: number) => number): void {
    for (const family of [4, 6] as const) this.#places[family].replace(by);
  }

  /** Those of one family with other values, but for addresses that have none. `address` is made when it is asked for. */
  mapped(family: Family, by: (value: number, address: () => string) => number | undefined): AddressTable {
    const table = this.#places[family].mapped((value, words) => by(value, () => textOf(family, words)));
    return new AddressTable([], { [family]: table });
  }

  *values(): Generator<number> {
    for (const family of [4, 6] as const) yield* this.#places[family].values();
  }

  /** Most are passed by without becoming text. */
  *keysOf(values: ReadonlySet<number>): Generator<string> {
    for (const family of [4, 6] as const)
      for (const words of this.#places[family].keysOf(values)) yield textOf(family, words);
  }

  *[Symbol.iterator](): Generator<[string, number]> {
    for (const family of [4, 6] as const)
      for (const [words, value] of this.#places[family].entries()) yield [textOf(family, words), value];
  }
}

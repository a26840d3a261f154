import { addressText, type Family } from './territories.ts';

/** Words of an address of each family. */
const WORDS = { 4: 1, 6: 4 } as const;
/** At least a third of the places is free, so that look-ups end soon. */
const ROOM = 1.5;

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

/** Numbers of one family's addresses, side by side in memory that holds nothing else. */
class Places {
  readonly #family: Family;
  readonly #width: number;
  #keys: Uint32Array;
  #values: Uint32Array;
  #taken: Uint8Array;
  size = 0;

  constructor(family: Family, room: number) {
    this.#family = family;
    this.#width = WORDS[family];
    this.#keys = new Uint32Array(room * this.#width);
    this.#values = new Uint32Array(room);
    this.#taken = new Uint8Array(room);
  }

  /** Where the address is, or would be. */
  #place(words: readonly number[]): number {
    const room = this.#taken.length;
    let hash = 0;
    for (const word of words) hash = Math.imul(hash ^ word ^ (word >>> 15), 0x9e37_79b1) >>> 0;
    let at = (hash ^ (hash >>> 16)) >>> 0;
    for (at %= room; this.#taken[at]; at = (at + 1) % room) if (this.#is(at, words)) break;
    return at;
  }

  #is(at: number, words: readonly number[]): boolean {
    for (let word = 0; word < this.#width; word++)
      if (this.#keys[at * this.#width + word] !== words[word]) return false;
    return true;
  }

  get(words: readonly number[]): number | undefined {
    if (this.size === 0) return undefined;
    const at = this.#place(words);
    return this.#taken[at] ? this.#values[at] : undefined;
  }

  set(words: readonly number[], value: number): void {
    if (this.size + 1 > this.#taken.length / ROOM) this.#grow();
    const at = this.#place(words);
    if (!this.#taken[at]) {
      this.size++;
      this.#taken[at] = 1;
      this.#keys.set(words, at * this.#width);
    }
    this.#values[at] = value;
  }

  #grow(): void {
    const larger = new Places(this.#family, Math.max(16, this.#taken.length * 2));
    for (const [words, value] of this.entries()) larger.set(words, value);
    this.#keys = larger.#keys;
    this.#values = larger.#values;
    this.#taken = larger.#taken;
  }

  *entries(): Generator<[number[], number]> {
    for (let at = 0; at < this.#taken.length; at++)
      if (this.#taken[at])
        yield [[...this.#keys.subarray(at * this.#width, (at + 1) * this.#width)], this.#values[at] ?? 0];
  }
}

/**
 * A map from addresses, as the maps of the kernel are keyed by them, to numbers up to 2³² − 1. 100,000 addresses take two
 * megabytes, where a map of texts takes twenty.
 */
export class AddressTable implements Iterable<[string, number]> {
  readonly #places = { 4: new Places(4, 0), 6: new Places(6, 0) };

  constructor(entries: Iterable<readonly [string, number]> = []) {
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

  *[Symbol.iterator](): Generator<[string, number]> {
    for (const family of [4, 6] as const)
      for (const [words, value] of this.#places[family].entries()) yield [textOf(family, words), value];
  }
}

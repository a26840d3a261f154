/** At least a third of the places is free, so that look-ups end soon. */
const ROOM = 1.5;
/** Times the places that a full one gets: a small one soon has enough, a large one seldom too many. */
const growth = (room: number): number => (room < 2 ** 16 ? 2 : 1.5);
const SMALLEST = 16;

/**
 * A map from keys of so many 32-bit words to numbers up to 2³² − 1, side by side in memory that holds nothing else: a tenth
 * of what a map of texts takes.
 */
export class WordTable {
  readonly #width: number;
  #keys: Uint32Array;
  #values: Uint32Array;
  #taken: Uint8Array;
  #size = 0;

  /** `size`: of how many keys there will be room before it has to grow. */
  constructor(width: number, size = 0) {
    const room = Math.ceil(size * ROOM);
    this.#width = width;
    this.#keys = new Uint32Array(room * width);
    this.#values = new Uint32Array(room);
    this.#taken = new Uint8Array(room);
  }

  get size(): number {
    return this.#size;
  }

  get(words: readonly number[]): number | undefined {
    if (this.#size === 0) return undefined;
    const at = this.#place(words);
    return this.#taken[at] ? this.#values[at] : undefined;
  }

  set(words: readonly number[], value: number): void {
    if (this.#size + 1 > this.#taken.length / ROOM) this.#grow();
    const at = this.#place(words);
    if (!this.#taken[at]) {
      this.#size++;
      this.#take(at, words, 0);
    }
    this.#values[at] = value;
  }

  /** Word by word: for so few of them, views and copies of memory take longer. */
  #take(at: number, words: ArrayLike<number>, from: number): void {
    this.#taken[at] = 1;
    for (let word = 0; word < this.#width; word++)
      this.#keys[at * this.#width + word] = words[from + word] ?? 0;
  }

  #wordsAt(at: number): number[] {
    const words: number[] = [];
    for (let word = 0; word < this.#width; word++) words.push(this.#keys[at * this.#width + word] ?? 0);
    return words;
  }

  /** Puts another value in place of each. */
  replace(by: (value: number) => number): void {
    for (let at = 0; at < this.#taken.length; at++)
      if (this.#taken[at]) this.#values[at] = by(this.#values[at] ?? 0);
  }

  /** The same keys with other values, but for those that have none. */
  mapped(by: (value: number, words: readonly number[]) => number | undefined): WordTable {
    const made = new WordTable(this.#width, this.#size);
    for (const [words, value] of this.entries()) {
      const other = by(value, words);
      if (other !== undefined) made.set(words, other);
    }
    return made;
  }

  *values(): Generator<number> {
    for (let at = 0; at < this.#taken.length; at++) if (this.#taken[at]) yield this.#values[at] ?? 0;
  }

  *keysOf(values: ReadonlySet<number>): Generator<number[]> {
    for (let at = 0; at < this.#taken.length; at++)
      if (this.#taken[at] && values.has(this.#values[at] ?? 0)) yield this.#wordsAt(at);
  }

  *entries(): Generator<[number[], number]> {
    for (let at = 0; at < this.#taken.length; at++)
      if (this.#taken[at]) yield [this.#wordsAt(at), this.#values[at] ?? 0];
  }

  /** Where the key is, or would be. */
  #place(words: ArrayLike<number>, from = 0): number {
    const room = this.#taken.length;
    let hash = 0;
    for (let word = 0; word < this.#width; word++) {
      const value = words[from + word] ?? 0;
      hash = Math.imul(hash ^ value ^ (value >>> 15), 0x9e37_79b1) >>> 0;
    }
    let at = (hash ^ (hash >>> 16)) >>> 0;
    for (at %= room; this.#taken[at]; at = (at + 1) % room) if (this.#is(at, words, from)) break;
    return at;
  }

  #is(at: number, words: ArrayLike<number>, from: number): boolean {
    for (let word = 0; word < this.#width; word++)
      if (this.#keys[at * this.#width + word] !== words[from + word]) return false;
    return true;
  }

  #grow(): void {
    const [keys, values, taken] = [this.#keys, this.#values, this.#taken];
    const room = Math.max(SMALLEST, Math.ceil(taken.length * growth(taken.length)));
    this.#keys = new Uint32Array(room * this.#width);
    this.#values = new Uint32Array(room);
    this.#taken = new Uint8Array(room);
    for (let from = 0; from < taken.length; from++) {
      if (!taken[from]) continue;
      const at = this.#place(keys, from * this.#width);
      this.#take(at, keys, from * this.#width);
      this.#values[at] = values[from] ?? 0;
    }
  }
}

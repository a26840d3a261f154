import { PackedText } from '../../../shared/core/packed-text.ts';
import type { Meaning } from '../data-plane.ts';
import type { Counters, Meanings } from './model.ts';
import { digitsOf, numberIn, textOf } from './numbers.ts';
import { WordTable } from './word-table.ts';

/** Meanings that are packed together. */
const TOGETHER = 128;
/** Meanings that were asked for and are kept as they are: most records are of few ends. */
const KEPT = 2048;

/** The ends of flows that are counted and reported, and what they mean, in little memory. They only ever become more; see `only`. */
export class Ends implements Meanings {
  /** Number → which one it is. */
  readonly #places = new WordTable(1);
  #numbers = new Uint32Array(TOGETHER);
  readonly #packed: PackedText[] = [];
  /** The last ones, in JSON. */
  #open: string[] = [];
  #lately = new Map<number, Meaning>();

  get size(): number {
    return this.#places.size;
  }

  /** A number has one meaning for good. `meaning`: in JSON. */
  add(number: string, meaning: string): void {
    const value = numberIn(number);
    if (this.#places.get([value]) !== undefined) return;
    const place = this.size;
    if (place === this.#numbers.length) {
      const numbers = new Uint32Array(2 * place);
      numbers.set(this.#numbers);
      this.#numbers = numbers;
    }
    this.#numbers[place] = value;
    this.#places.set([value], place);
    this.#open.push(meaning);
    if (this.#open.length < TOGETHER) return;
    this.#packed.push(new PackedText(listOf(this.#open)));
    this.#open = [];
  }

  /** As ids stand in log prefixes. */
  get(id: string): Meaning | undefined {
    const place = this.#places.get([Number.parseInt(id, 16)]);
    if (place === undefined) return undefined;
    const known = this.#lately.get(place);
    if (known) return known;
    const found = this.#together(Math.floor(place / TOGETHER))[place % TOGETHER];
    if (this.#lately.size >= KEPT) this.#lately = new Map();
    if (found) this.#lately.set(place, found);
    return found;
  }

  #together(group: number): readonly Meaning[] {
    return JSON.parse(this.#packed[group]?.text ?? listOf(this.#open));
  }

  *[Symbol.iterator](): Generator<[string, Meaning]> {
    for (let group = 0; group <= this.#packed.length; group++)
      for (const [at, meaning] of this.#together(group).entries())
        yield [digitsOf(textOf(this.#numbers[group * TOGETHER + at] ?? 0)), meaning];
  }

  /** Some of them, in this order, whatever comes later. */
  counters(some: readonly string[]): Counters {
    const numbers = Uint32Array.from(some, numberIn);
    const places = this.#places;
    const chosen = new Uint8Array(this.size);
    for (const number of numbers) chosen[places.get([number]) ?? chosen.length] = 1;
    return {
      size: numbers.length,
      has: number => chosen[places.get([numberIn(number)]) ?? chosen.length] === 1,
      *[Symbol.iterator]() {
        for (const number of numbers) yield textOf(number);
      },
    };
  }

  /** Another that has these alone. */
  only(counters: Counters): Ends {
    const ends = new Ends();
    for (const [id, meaning] of this) {
      const number = textOf(Number.parseInt(id, 16));
      if (counters.has(number)) ends.add(number, JSON.stringify(meaning));
    }
    return ends;
  }
}

const listOf = (texts: readonly string[]): string => `[${texts.join()}]`;

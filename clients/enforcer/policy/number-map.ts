import type { Elements } from './model.ts';
import { numberIn, textOf } from './numbers.ts';

/** Numbers, as nft writes them → texts, of which equal ones are one; in order of the numbers. Nothing changes in it. */
export class NumberMap implements Elements {
  readonly #numbers: Uint32Array;
  /** Which text each has. */
  readonly #places: Uint32Array;
  readonly #texts: readonly string[];

  private constructor(numbers: Uint32Array, places: Uint32Array, texts: readonly string[]) {
    this.#numbers = numbers;
    this.#places = places;
    this.#texts = texts;
  }

  /** Keys as numbers, each once. */
  static of(entries: Iterable<readonly [number, string]>): NumberMap {
    const sorted = [...entries].sort(([a], [b]) => a - b);
    const known = new Map<string, number>();
    for (const [, text] of sorted) if (!known.has(text)) known.set(text, known.size);
    const places = sorted.map(([, text]) => known.get(text) ?? 0);
    return new NumberMap(
      Uint32Array.from(sorted, ([number]) => number),
      Uint32Array.from(places),
      [...known.keys()],
    );
  }

  get size(): number {
    return this.#numbers.length;
  }

  get(number: string): string | undefined {
    const at = this.#find(numberIn(number));
    return at === undefined ? undefined : this.#texts[this.#places[at] ?? 0];
  }

  has(number: string): boolean {
    return this.#find(numberIn(number)) !== undefined;
  }

  *keys(): Generator<string> {
    for (const number of this.#numbers) yield textOf(number);
  }

  *[Symbol.iterator](): Generator<[string, string]> {
    for (const [at, number] of this.#numbers.entries())
      yield [textOf(number), this.#texts[this.#places[at] ?? 0] ?? ''];
  }

  #find(number: number): number | undefined {
    let [low, high] = [0, this.#numbers.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#numbers[middle] ?? 0) < number) low = middle + 1;
      else high = middle;
    }
    return this.#numbers[low] === number ? low : undefined;
  }
}

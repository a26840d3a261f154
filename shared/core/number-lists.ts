/** Lists of numbers up to 2³² − 1, by numbers from zero on: one behind the other in memory that holds nothing else. */
export class NumberLists {
  static readonly NONE = NumberLists.from([]);
  /** Where each begins, and where the last one ends. */
  readonly #starts: Uint32Array;
  readonly #values: Uint32Array;

  private constructor(starts: Uint32Array, values: Uint32Array) {
    this.#starts = starts;
    this.#values = values;
  }

  /** Lists as they are. */
  static from(lists: readonly (readonly number[])[]): NumberLists {
    const starts = new Uint32Array(lists.length + 1);
    for (const [at, list] of lists.entries()) starts[at + 1] = (starts[at] ?? 0) + list.length;
    const values = new Uint32Array(starts.at(-1) ?? 0);
    for (const [at, list] of lists.entries()) values.set(list, starts[at]);
    return new NumberLists(starts, values);
  }

  /** Value → positions of the lists that it stands in, ascending; as often as it stands there. */
  static of(lists: readonly (readonly number[])[]): NumberLists {
    let highest = -1;
    for (const list of lists) for (const value of list) highest = Math.max(highest, value);
    // Each start is one place late at first, and where it belongs once its list is full.
    const starts = new Uint32Array(highest + 3);
    for (const list of lists) for (const value of list) starts[value + 2] = (starts[value + 2] ?? 0) + 1;
    for (let at = 2; at < starts.length; at++) starts[at] = (starts[at] ?? 0) + (starts[at - 1] ?? 0);
    const values = new Uint32Array(starts.at(-1) ?? 0);
    for (const [position, list] of lists.entries())
      for (const value of list) {
        const place = starts[value + 1] ?? 0;
        values[place] = position;
        starts[value + 1] = place + 1;
      }
    return new NumberLists(starts.subarray(0, -1), values);
  }

  /** How many lists. */
  get size(): number {
    return this.#starts.length - 1;
  }

  at(number: number): Uint32Array {
    const [from, to] = [this.#starts[number], this.#starts[number + 1]];
    return from === undefined || to === undefined ? EMPTY : this.#values.subarray(from, to);
  }

  /** Those whose lists are not empty, ascending. */
  *keys(): Generator<number> {
    for (let at = 0; at + 1 < this.#starts.length; at++)
      if ((this.#starts[at] ?? 0) < (this.#starts[at + 1] ?? 0)) yield at;
  }
}

const EMPTY = new Uint32Array(0);

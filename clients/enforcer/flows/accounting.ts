/** Packets that the data plane counted and records that arrived, by prefix. */
export type Counts = ReadonlyMap<string, number>;

/**
 * Proves that no record was lost, or says how many were: each rule that logs counts its packets in a named counter, which
 * no flood and no dead reader can outrun. Counters and records are taken at different moments, so what the counters said
 * at one look is compared with what had arrived at the next.
 */
export class Accounting {
  /** Where the counters stood when records began to be read. */
  readonly #base = new Map<string, number>();
  #counted: Counts = new Map();
  #settled: Counts = new Map();
  readonly #lost = new Map<string, number>();

  /** `base`: what of the counters is accounted for already; a counter that isn't in it starts at 0. */
  constructor(base: Counts) {
    this.#base = new Map(base);
  }

  /** Records that never came, by prefix, since the start. */
  get lost(): Counts {
    return this.#lost;
  }

  /** Counters up to which every record is accounted for, here or as lost: the base of a next run. */
  get settled(): Counts {
    return this.#settled;
  }

  /**
   * Takes a look: `counters` of the data plane as they are now, `received` records in all since the start, taken before the
   * counters were. Gives the records that are found lost by it, by prefix: those that the counters of the look before tell
   * of and that are not here yet.
   */
  look(counters: Counts, received: Counts): Map<string, number> {
    const found = new Map<string, number>();
    for (const [prefix, counted] of this.#counted) {
      const expected = counted - (this.#base.get(prefix) ?? 0);
      const missing = expected - (received.get(prefix) ?? 0);
      const known = this.#lost.get(prefix) ?? 0;
      if (missing <= known) continue;
      found.set(prefix, missing - known);
      this.#lost.set(prefix, missing);
    }
    for (const [prefix, counted] of this.#counted)
      if ((counters.get(prefix) ?? 0) < counted) this.#restart(prefix, counted);
    for (const [prefix, base] of this.#base)
      if (!this.#counted.has(prefix) && (counters.get(prefix) ?? 0) < base) this.#restart(prefix, base);
    for (const [prefix, records] of received) this.#raise(prefix, counters, records);
    this.#settled = this.#counted;
    this.#counted = new Map(counters);
    return found;
  }

  /** Every record was counted before it came: a counter that knows of fewer was made anew between two looks. */
  #raise(prefix: string, counters: Counts, records: number): void {
    const accounted = records + (this.#lost.get(prefix) ?? 0);
    const highest = (counters.get(prefix) ?? 0) - accounted;
    if ((this.#base.get(prefix) ?? 0) > highest) this.#base.set(prefix, highest);
  }

  /** The counter is made anew, with its rule or the whole table; what it had counted stays expected. */
  #restart(prefix: string, counted: number): void {
    this.#base.set(prefix, (this.#base.get(prefix) ?? 0) - counted);
  }
}

import { type Clock, waitAfter } from '../clock.ts';
import type { Spool } from './spool.ts';

/** Reports that are sent together. One that arrives twice must count once: after a lost answer all are sent again. */
export interface Batch<R> {
  reports: readonly R[];
}

export interface DeliveryOptions<R> {
  /**
   * Resolves when the control plane has answered, with how many of the reports it will never take. Rejects when it can't
   * be asked now.
   */
  send: (batch: Batch<R>, signal: AbortSignal) => Promise<number>;
  /** Where batches wait while the control plane is away. */
  spool: Spool;
  clock: Clock;
}

/** Reports a batch holds at most. */
const BATCH = 1000;
/** Reports that wait in memory at most, while one batch is under way. */
const MEMORY = 100_000;
const WAITS = { interval: 1000, longest: 60_000 };
/** Milliseconds in which what no disk takes is still brought away at the end. */
const PARTING = 5000;

/** Brings reports to the control plane in batches; what can't be sent now waits in the spool. */
export class Delivery<R> {
  readonly #options: DeliveryOptions<R>;
  #waiting: R[] = [];
  /** Reports since the start, by what became of them. */
  readonly counts = { sent: 0, refused: 0, overflowed: 0 };

  constructor(options: DeliveryOptions<R>) {
    this.#options = options;
  }

  /** Reports that were lost here: they were given up in the spool or in memory. */
  get dropped(): number {
    return this.counts.overflowed + this.#options.spool.dropped;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  add(reports: readonly R[]): void {
    for (const report of reports) {
      if (this.#waiting.length < MEMORY) this.#waiting.push(report);
      else this.counts.overflowed++;
    }
  }

  /** Sends until it is told to stop; then what waits goes to the spool. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    for (let failures = 0; !signal.aborted; ) {
      try {
        while (!signal.aborted && (await this.#sendNext(signal)));
        failures = 0;
      } catch {
        failures++;
      }
      await this.#wait(waitAfter(WAITS, failures, clock.random()), failures > 0, signal);
    }
    this.#spoolAll();
    await this.#part();
  }

  /** What waits in memory alone goes with this run: the control plane is asked a last time, but not for long. */
  async #part(): Promise<void> {
    const { send, spool } = this.#options;
    spool.settle();
    const { held } = spool;
    const ends = AbortSignal.timeout(PARTING);
    try {
      for (const { name, text } of held) {
        const batch = JSON.parse(text) as Batch<R>;
        this.#count(await send(batch, ends), batch);
        spool.done(name);
      }
    } catch {
      // It is away.
    }
    spool.abandon();
  }

  /** While the control plane is away, what comes is on disk within a second, though the next try is later. */
  async #wait(milliseconds: number, isAway: boolean, signal: AbortSignal): Promise<void> {
    for (let rest = milliseconds; rest > 0 && !signal.aborted; rest -= WAITS.interval) {
      if (isAway) this.#spoolAll();
      await this.#options.clock.sleep(Math.min(rest, WAITS.interval), signal);
    }
  }

  /** False when nothing waits. */
  async #sendNext(signal: AbortSignal): Promise<boolean> {
    const { spool, send } = this.#options;
    spool.settle();
    const stored = spool.oldest();
    if (stored) {
      // What came since is newer, and must not overtake when that batch fails.
      const batch = JSON.parse(stored.text) as Batch<R>;
      this.#count(await send(batch, signal), batch);
      spool.done(stored.name);
      return true;
    }
    const batch = this.#nextBatch();
    if (!batch) return false;
    try {
      this.#count(await send(batch, signal), batch);
    } catch (error) {
      this.#spool(batch);
      throw error;
    }
    return true;
  }

  #count(refused: number, { reports }: Batch<R>): void {
    this.counts.sent += reports.length - refused;
    this.counts.refused += refused;
  }

  #nextBatch(): Batch<R> | undefined {
    const reports = this.#waiting.splice(0, BATCH);
    return reports.length === 0 ? undefined : { reports };
  }

  #spool({ reports }: Batch<R>): void {
    const { spool } = this.#options;
    const both = (text: string): string => {
      const { reports: before } = JSON.parse(text) as Batch<R>;
      return JSON.stringify({ reports: [...before, ...reports] });
    };
    if (!spool.join(reports.length, both)) spool.add(JSON.stringify({ reports }), reports.length);
  }

  #spoolAll(): void {
    for (let batch = this.#nextBatch(); batch; batch = this.#nextBatch()) this.#spool(batch);
  }
}

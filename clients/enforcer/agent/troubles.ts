import type { Clock } from '../clock.ts';
import type { Log } from '../log.ts';
import { messageOf } from './loop.ts';
import type { Status } from './status.ts';

/** What goes wrong again and again is told once, and once more when it is over. */
export class Troubles {
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #open = new Map<string, { detail: string; at: string }>();

  constructor(log: Log, clock: Clock) {
    this.#log = log;
    this.#clock = clock;
  }

  get all(): Status['troubles'] {
    return Object.fromEntries(this.#open);
  }

  set(kind: string, error: unknown): void {
    const detail = messageOf(error);
    if (this.#open.get(kind)?.detail !== detail) this.#log.warn({ trouble: kind }, detail);
    this.#open.set(kind, { detail, at: this.#clock.now().toISOString() });
  }

  over(kind: string): void {
    if (this.#open.delete(kind)) this.#log.info({ trouble: kind }, 'over');
  }

  /** Does something; its failure is the trouble, and its success the end of it. */
  async during<T>(kind: string, work: () => Promise<T>): Promise<T> {
    try {
      const result = await work();
      this.over(kind);
      return result;
    } catch (error) {
      this.set(kind, error);
      throw error;
    }
  }
}

import type { Clock } from '../clock.ts';
import type { Answer } from './names.ts';

/** Milliseconds. Applications remember answers beyond their time; and nothing is kept for longer than a day. */
export const GRACE = 120_000;
export const AT_MOST = 24 * 3600_000;
/** Addresses of one name; the ones seen last stay. */
export const MOST = 512;
/** Names at once; those that were told last stay. */
const MOST_NAMES = 1024;

/** Whether the name is below one of these: `a.b.example.com` is below `example.com`, `example.com` itself is not. */
export function isBelow(name: string, suffixes: ReadonlySet<string>): boolean {
  for (let dot = name.indexOf('.'); dot >= 0; dot = name.indexOf('.', dot + 1))
    if (suffixes.has(name.slice(dot + 1))) return true;
  return false;
}

/** Where names below wildcards led to, as this host was told by its resolvers. */
export class Heard {
  readonly #clock: Clock;
  #suffixes: ReadonlySet<string> = new Set();
  /** Name → address, as it is compared → when its time ends. The name that was told last comes last. */
  readonly #names = new Map<string, Map<string, number>>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get names(): ReadonlyMap<string, ReadonlyMap<string, number>> {
    return this.#names;
  }

  /** Only names below these are kept. */
  watch(suffixes: readonly string[]): void {
    this.#suffixes = new Set(suffixes);
    for (const name of this.#names.keys()) if (!isBelow(name, this.#suffixes)) this.#names.delete(name);
  }

  /** Whether it matters where the name leads to. */
  isWatched(name: string): boolean {
    return isBelow(name, this.#suffixes);
  }

  /** `answers` hold addresses as they are compared. Whether one of them was not known. */
  tell(name: string, answers: readonly Answer[]): boolean {
    if (answers.length === 0 || !this.isWatched(name)) return false;
    const now = this.#clock.elapsed();
    const known = this.#names.get(name) ?? new Map<string, number>();
    const isNews = answers.some(({ address }) => !known.has(address));
    for (const { address, ttl } of answers) {
      const ends = Math.max(known.get(address) ?? 0, now + Math.min(AT_MOST, ttl * 1000));
      known.delete(address);
      known.set(address, ends);
    }
    for (const oldest of known.keys()) {
      if (known.size <= MOST) break;
      known.delete(oldest);
    }
    this.#names.delete(name);
    this.#names.set(name, known);
    for (const oldest of this.#names.keys()) {
      if (this.#names.size <= MOST_NAMES) break;
      this.#names.delete(oldest);
    }
    return isNews;
  }

  /** Whether anything is past its time, so that it matters what is in use. */
  get isOld(): boolean {
    const now = this.#clock.elapsed();
    return [...this.#names.values()].some(told => [...told.values()].some(ends => now > ends + GRACE));
  }

  /** Takes out what is past its time and not in use; `used`: undefined when nobody can say. */
  retire(used: ReadonlySet<string> | undefined): void {
    const now = this.#clock.elapsed();
    for (const [name, told] of this.#names) {
      for (const [address, ends] of told)
        if (now > ends + AT_MOST || (now > ends + GRACE && used && !used.has(address))) told.delete(address);
      if (told.size === 0) this.#names.delete(name);
    }
  }
}

import type { PolicyPayload } from '../../../shared/schema/bundle.ts';
import { parseNetworkEntries } from '../../../shared/schema/network-entry.ts';
import type { Clock } from '../clock.ts';
import type { HostPolicy } from '../data-plane.ts';
import { singleAddress } from '../policy/addresses.ts';

/** One answer of DNS. `ttl` in seconds. */
export interface Answer {
  address: string;
  ttl: number;
}

/** Looks a name up, IPv4 and IPv6. Empty: it has no address. Rejects when nobody can say. */
export type Resolve = (name: string) => Promise<Answer[]>;

export interface NamesOptions {
  clock: Clock;
  resolve: Resolve;
  /** Addresses that connections of this host go on with. Rejects when nobody can say; then all are taken for used. */
  inUse: () => Promise<ReadonlySet<string>>;
}

/** Milliseconds. Bounds of an answer's time to live: nobody asks in a circle, and a change is seen within minutes. */
const SHORTEST = 5_000;
const LONGEST = 300_000;
/** After a failure, doubled with each. */
const RETRY = 5_000;
/** An address that is no longer answered is kept for so long in any case: applications remember answers, too. */
const GRACE = 120_000;
/** Nothing is kept for longer than a day, however long a connection lasts. */
const AT_MOST = 24 * 3600_000;
/** Addresses of one name; the ones seen last stay. */
const MOST = 512;
/** Look-ups at once. */
const LANES = 16;

interface Known {
  /** When it was answered last: what is older than that was answered no more. */
  answered: number;
  /** When it is looked up again. */
  due: number;
  failures: number;
  /** Address → when it was last answered. */
  seen: Map<string, number>;
}

/** The names that external networks of a policy hold, without wildcards, which no resolver can list. Sorted. */
export const namesIn = ({ externalNetworks }: Pick<PolicyPayload, 'externalNetworks'>): string[] =>
  [
    ...new Set(
      externalNetworks.flatMap(({ entries }) =>
        parseNetworkEntries(entries).flatMap(entry =>
          entry.kind === 'name' && !entry.wildcard ? [entry.name] : [],
        ),
      ),
    ),
  ].sort();

/**
 * Where DNS names lead to. A name is asked for again when its answer's time is over. What it led to before stays while a
 * connection goes on there, and for a while in any case: services with many addresses answer with others each time.
 */
export class Names {
  readonly #options: NamesOptions;
  readonly #known = new Map<string, Known>();
  #current: HostPolicy['names'] = new Map();

  constructor(options: NamesOptions) {
    this.#options = options;
  }

  /** Sorted in both directions, so that equal ones are equal. Names without addresses are left out. */
  get current(): HostPolicy['names'] {
    return this.#current;
  }

  /** Looks up what is due of these names, and forgets all others. Tells whether `current` is another now. */
  async refresh(wanted: readonly string[]): Promise<boolean> {
    const now = this.#options.clock.elapsed();
    const names = new Set(wanted);
    for (const name of this.#known.keys()) if (!names.has(name)) this.#known.delete(name);
    for (const name of names)
      if (!this.#known.has(name))
        this.#known.set(name, { answered: now, due: now, failures: 0, seen: new Map() });
    const due = [...this.#known].filter(([, known]) => known.due <= now);
    const next = due[Symbol.iterator]();
    const lane = async () => {
      for (const [name, known] of next) await this.#lookUp(name, known);
    };
    await Promise.all(Array.from({ length: Math.min(LANES, due.length) }, lane));
    if (due.length > 0) await this.#retire();
    return this.#publish();
  }

  async #lookUp(name: string, known: Known): Promise<void> {
    const { clock, resolve } = this.#options;
    try {
      const answers = await resolve(name);
      const now = clock.elapsed();
      for (const { address } of answers) {
        const text = singleAddress(address)?.text;
        if (text !== undefined) known.seen.set(text, now);
      }
      const life = Math.min(LONGEST, ...answers.map(({ ttl }) => ttl * 1000));
      known.due = now + Math.max(SHORTEST, answers.length > 0 ? life : RETRY);
      known.answered = now;
      known.failures = 0;
    } catch {
      // Whoever can't say does not say that it is gone.
      const wait = Math.min(LONGEST, RETRY * 2 ** known.failures++);
      known.due = clock.elapsed() + wait * (0.5 + 0.5 * clock.random());
    }
  }

  /** Takes out what was not answered for a while and nobody is connected to. */
  async #retire(): Promise<void> {
    const all = [...this.#known.values()];
    const isOld = all.some(({ seen, answered }) => [...seen.values()].some(last => answered - last > GRACE));
    if (isOld) {
      const used = await this.#options.inUse().catch(() => undefined);
      for (const { seen, answered } of all)
        for (const [address, last] of seen) {
          const age = answered - last;
          if (age > AT_MOST || (age > GRACE && used && !used.has(address))) seen.delete(address);
        }
    }
    for (const { seen } of this.#known.values())
      for (const [address] of [...seen].sort(([, a], [, b]) => b - a).slice(MOST)) seen.delete(address);
  }

  #publish(): boolean {
    const entries = [...this.#known]
      .filter(([, { seen }]) => seen.size > 0)
      .map(([name, { seen }]) => [name, [...seen.keys()].sort()] as const)
      .sort(([a], [b]) => (a < b ? -1 : 1));
    if (JSON.stringify(entries) === JSON.stringify([...this.#current])) return false;
    this.#current = new Map(entries);
    return true;
  }
}

import type { PolicyPayload } from '../../../shared/schema/bundle.ts';
import { parseNetworkEntries } from '../../../shared/schema/network-entry.ts';
import type { Clock } from '../clock.ts';
import type { HostPolicy } from '../data-plane.ts';
import { singleAddress } from '../policy/addresses.ts';
import { isElsewhere } from './elsewhere.ts';
import { AT_MOST, GRACE, Heard, MOST } from './heard.ts';

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
/** Between two looks at what is past its time. */
const RETIRE = 10_000;
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

/** What external networks of a policy say by name. Sorted. */
export interface Named {
  /** Names that can be looked up. */
  exact: string[];
  /** `example.com` for `*.example.com`, below which no resolver can list what there is. */
  wildcards: string[];
}

export function namesIn({ externalNetworks }: Pick<PolicyPayload, 'externalNetworks'>): Named {
  const found = externalNetworks.flatMap(({ entries }) =>
    parseNetworkEntries(entries).filter(entry => entry.kind === 'name'),
  );
  const sorted = (isWildcard: boolean): string[] =>
    [...new Set(found.filter(({ wildcard }) => wildcard === isWildcard).map(({ name }) => name))].sort();
  return { exact: sorted(false), wildcards: sorted(true) };
}

/** As they are compared, without those that nobody should be led to. */
const believed = (answers: readonly Answer[]): Answer[] =>
  answers.flatMap(({ address, ttl }) => {
    const text = singleAddress(address)?.text;
    return text !== undefined && isElsewhere(address) ? [{ address: text, ttl }] : [];
  });

/**
 * Where DNS names lead to. A name is asked for again when its answer's time is over. What it led to before stays while a
 * connection goes on there, and for a while in any case: services with many addresses answer with others each time. Names
 * below a wildcard lead to where this host's own programs were told that they do.
 */
export class Names {
  readonly #options: NamesOptions;
  readonly #known = new Map<string, Known>();
  readonly #heard: Heard;
  #current: HostPolicy['names'] = new Map();
  #retired = Number.NEGATIVE_INFINITY;
  /** Called when `current` became another by what was overheard. */
  onNews: (() => void) | undefined;

  constructor(options: NamesOptions) {
    this.#options = options;
    this.#heard = new Heard(options.clock);
  }

  /** A program of this host was told where a name leads to. */
  hear(name: string, answers: readonly Answer[]): void {
    const isNews = this.#heard.isWatched(name) && this.#heard.tell(name, believed(answers));
    if (isNews && this.#publish()) this.onNews?.();
  }

  /** What an earlier run was told; applications may still remember it. */
  remember(names: HostPolicy['names'], { wildcards }: Named): void {
    this.#heard.watch(wildcards);
    for (const [name, addresses] of names)
      this.#heard.tell(
        name,
        addresses.map(address => ({ address, ttl: 0 })),
      );
  }

  /** Sorted in both directions, so that equal ones are equal. Names without addresses are left out. */
  get current(): HostPolicy['names'] {
    return this.#current;
  }

  /** Looks up what is due of these names, and forgets all others. Tells whether `current` is another now. */
  async refresh({ exact, wildcards }: Named): Promise<boolean> {
    const now = this.#options.clock.elapsed();
    this.#heard.watch(wildcards);
    const names = new Set(exact);
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
    if (due.length > 0 || now - this.#retired >= RETIRE) await this.#retire();
    return this.#publish();
  }

  async #lookUp(name: string, known: Known): Promise<void> {
    const { clock, resolve } = this.#options;
    try {
      const answers = await resolve(name);
      const now = clock.elapsed();
      for (const { address } of believed(answers)) known.seen.set(address, now);
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
    this.#retired = this.#options.clock.elapsed();
    const all = [...this.#known.values()];
    const isOld = all.some(({ seen, answered }) => [...seen.values()].some(last => answered - last > GRACE));
    if (isOld || this.#heard.isOld) {
      const used = await this.#options.inUse().catch(() => undefined);
      this.#heard.retire(used);
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
    const found = new Map<string, Set<string>>();
    const led = [...[...this.#known].map(([name, { seen }]) => [name, seen] as const), ...this.#heard.names];
    for (const [name, seen] of led)
      if (seen.size > 0) found.set(name, new Set([...(found.get(name) ?? []), ...seen.keys()]));
    const entries = [...found]
      .map(([name, addresses]) => [name, [...addresses].sort()] as const)
      .sort(([a], [b]) => (a < b ? -1 : 1));
    if (JSON.stringify(entries) === JSON.stringify([...this.#current])) return false;
    this.#current = new Map(entries);
    return true;
  }
}

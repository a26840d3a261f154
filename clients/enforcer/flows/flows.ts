import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { newObjectId } from '../../../shared/core/object-id.ts';
import { loop } from '../agent/loop.ts';
import type { FlowContext, Flows } from '../agent/parts.ts';
import type { Status } from '../agent/status.ts';
import type { Clock } from '../clock.ts';
import { type DataPlane, LOG_PREFIX } from '../data-plane.ts';
import type { Log } from '../log.ts';
import { Accounting, type Counts } from './accounting.ts';
import { Child } from './child.ts';
import { keepCounts, readCounts } from './counts-file.ts';
import { type Batch, Delivery } from './delivery.ts';
import { Endings } from './endings.ts';
import type { LogRecord } from './record.ts';
import { Directory, type FlowReport, reportOf } from './report.ts';
import { type FlowSource, type Listening, tcpdumpSource } from './source.ts';
import { Spool } from './spool.ts';
import { FlowTable } from './table.ts';
import { Whereabouts } from './whereabouts.ts';

/** Milliseconds between two looks at what was sighted, and at the counters. */
const TAKE = { interval: 1000, longest: 1000 };
export const LOOK = { interval: 10_000, longest: 10_000 };

/** Milliseconds: a reader that has run for longer than its next start could take is well. */
const READS = 40_000;

/** Bytes of reports that wait in memory at most, while the disk takes none. */
const HELD = 16 * 1024 * 1024;

export interface FlowOptions {
  plane: DataPlane;
  group: number;
  /** For spool and process numbers. */
  folder: string;
  /** Bytes that wait on disk at most. */
  spoolLimit: number;
  /** Milliseconds between two reports of one conversation. */
  interval: number;
  clock: Clock;
  log: Log;
  /** Takes records that are about something else than flows; tells whether it did. */
  overheard?: (record: LogRecord) => boolean;
  /** Sends a batch; see Delivery. */
  send: (context: FlowContext, batch: Batch<FlowReport>, signal: AbortSignal) => Promise<number>;
  /** For tests; absent: tcpdump. */
  source?: (listening: Listening & { group: number; clock: Clock; pidFile?: string }) => FlowSource;
  /** Prints connections that end, such as `CONNTRACK`; absent: nobody counts them. */
  endings?: readonly [string, ...string[]];
}

/** While it runs, the kernel makes a message of each connection that ends, in whichever network namespace. */
export const CONNTRACK = ['conntrack', '-E', '-e', 'DESTROY', '-o', 'timestamp,extended,id'] as const;

/** Sums by the id in the prefix: one rule may log under several prefixes. */
const byID = (received: Counts): Map<string, number> => {
  const sums = new Map<string, number>();
  for (const [prefix, count] of received) {
    const id = LOG_PREFIX.exec(prefix)?.[2] ?? '';
    sums.set(id, (sums.get(id) ?? 0) + count);
  }
  return sums;
};

const total = (counts: Iterable<number>): number => [...counts].reduce((sum, count) => sum + count, 0);

/** Everything about flow records of one host: read, aggregated, attributed, accounted for and delivered. */
export class FlowLog implements Flows {
  readonly #options: FlowOptions;
  readonly #table: FlowTable;
  readonly #source: FlowSource;
  readonly #endings: { seen: Endings; conntrack: Child } | undefined;
  readonly #peers = new Whereabouts();
  readonly #spool: Spool;
  readonly #stop = new AbortController();
  #accounting: Accounting | undefined;
  #delivery: Delivery<FlowReport> | undefined;
  #context: FlowContext | undefined;
  #directory: { of: unknown; units: unknown; names: unknown; directory: Directory } | undefined;
  #running: Promise<unknown> = Promise.resolve();
  #unattributed = 0;
  /** When reading records broke off last. */
  #brokenAt = Number.NEGATIVE_INFINITY;

  constructor(options: FlowOptions) {
    const { folder, clock, group, interval, source = tcpdumpSource, endings } = options;
    this.#options = options;
    this.#table = new FlowTable({ interval });
    const { spoolLimit } = options;
    const memory = Math.min(spoolLimit, HELD);
    this.#spool = new Spool(join(folder, 'spool'), { all: spoolLimit, memory });
    this.#source = source({
      group,
      clock,
      pidFile: join(folder, 'tcpdump.pid'),
      record: record => {
        if (!options.overheard?.(record)) this.#table.add(record, clock.elapsed());
      },
      interrupted: reason => this.#interrupted(reason),
    });
    this.#endings = endings && this.#openEndings(endings);
  }

  #openEndings(command: readonly [string, ...string[]]) {
    const { folder, clock, log } = this.#options;
    const seen = new Endings();
    const conntrack = new Child({
      command: () => command,
      reader: () => chunk => seen.push(chunk),
      ended: reason => log.warn({}, `ends of connections broke off and begin anew: ${reason}`),
      clock,
      pidFile: join(folder, 'conntrack.pid'),
    });
    return { seen, conntrack };
  }

  start(context: FlowContext): void {
    const { clock, send } = this.#options;
    this.#context = context;
    const { signal } = this.#stop;
    const delivery = new Delivery<FlowReport>({
      spool: this.#spool,
      clock,
      send: (batch, ends) => context.troubles.during('flows', () => send(context, batch, ends)),
    });
    this.#delivery = delivery;
    const ends = { clock, signal };
    this.#running = this.#begin().then(() =>
      Promise.all([
        loop(async () => this.#take(), { ...TAKE, ...ends }),
        loop(() => this.#look(), { ...LOOK, ...ends }),
        delivery.run(signal),
      ]),
    );
  }

  /** The counters first: what is counted from here on is expected to be recorded. */
  async #begin(): Promise<void> {
    const counters = await this.#counters().catch(() => new Map<string, number>());
    this.#accounting = new Accounting(readCounts(this.#countsFile) ?? counters);
    this.#source.start();
    this.#endings?.conntrack.start();
  }

  get #countsFile(): string {
    return join(this.#options.folder, 'counted.json');
  }

  async #counters(): Promise<Map<string, number>> {
    const counted = await this.#options.plane.counters();
    return new Map([...counted].map(([id, { packets }]) => [id, packets]));
  }

  async stop(): Promise<void> {
    await Promise.all([this.#source.stop(), this.#endings?.conntrack.stop()]);
    this.#report(this.#table.drain());
    const before = this.#delivery?.dropped ?? 0;
    this.#stop.abort();
    await this.#running;
    const reports = (this.#delivery?.dropped ?? 0) - before;
    if (reports > 0)
      this.#options.log.warn({ reports }, 'flow reports are lost: neither sent nor kept on disk');
  }

  get stats(): NonNullable<Status['flows']> {
    const { counts, waiting, dropped } = this.#delivery ?? {
      counts: { sent: 0, refused: 0 },
      waiting: 0,
      dropped: 0,
    };
    const held = this.#spool.held.length;
    return {
      records: total(this.#table.received.values()),
      sent: counts.sent,
      waiting,
      spooled: this.#spool.size - held,
      held,
      dropped,
      refused: counts.refused,
      unrecorded: total(this.#accounting?.lost.values() ?? []),
      unreadable: this.#table.unreadable + this.#unattributed,
      restarts: Math.max(0, this.#source.restarts),
      ...(this.#endings ? { connections: this.#endings.seen.sum } : {}),
    };
  }

  /** A reader that was ended is there again at once; one that can't be started goes on and on. */
  #interrupted(reason: string): void {
    const { log, group, clock } = this.#options;
    const again = clock.elapsed() - this.#brokenAt < READS;
    this.#brokenAt = clock.elapsed();
    const remedy = /ENOENT/.test(reason) ? '; install tcpdump' : '';
    if (again || remedy !== '')
      this.#context?.troubles.set('records', new Error(`flows are not recorded: ${reason}${remedy}`));
    else log.warn({ group }, `flow records broke off and begin anew: ${reason}`);
  }

  #take(): void {
    if (this.#options.clock.elapsed() - this.#brokenAt > READS) this.#context?.troubles.over('records');
    this.#report(this.#table.take(this.#options.clock.elapsed()));
    const { trouble } = this.#spool;
    if (trouble === undefined) this.#context?.troubles.over('spool');
    else this.#context?.troubles.set('spool', new Error(trouble));
  }

  #report(sightings: ReturnType<FlowTable['take']>): void {
    const context = this.#context;
    const directory = context && this.#directoryOf(context);
    if (!context || !directory) {
      this.#unattributed += total(sightings.map(({ count }) => count));
      return;
    }
    const { plane } = this.#options;
    // Who sends it says so once more.
    const enforcerID = context.enforcer()?.ID ?? '';
    const { clock } = this.#options;
    // From the clock that never jumps to the one on the wall.
    const wall = clock.now().getTime() - clock.elapsed();
    const reports = sightings.flatMap(sighting => {
      const at = sighting.at + wall;
      const ID = newObjectId(new Date(at), randomBytes);
      const meaningOf = (id: string) => plane.meaning(id);
      const report = reportOf({ ...sighting, at }, meaningOf, directory, { ID, enforcerID });
      if (!report) this.#unattributed += sighting.count;
      return report ?? [];
    });
    this.#delivery?.add(reports);
  }

  /** Made anew with another bundle, other units, or names that lead elsewhere. */
  #directoryOf({ holding }: FlowContext): Directory | undefined {
    const { active } = holding;
    if (!active) return undefined;
    const { payloads } = active.content;
    const { units, names } = active;
    const known = this.#directory;
    if (known?.of === payloads && known.units === units && known.names === names) return known.directory;
    const directory = new Directory(payloads, units, names, this.#peers);
    this.#directory = { of: payloads, units, names, directory };
    return directory;
  }

  async #look(): Promise<void> {
    const { plane, log } = this.#options;
    const accounting = this.#accounting;
    if (!accounting) return;
    const received = byID(this.#table.received);
    const found = accounting.look(await this.#counters(), received);
    for (const [id, flows] of found) {
      const { rule, verdict, direction } = plane.meaning(id) ?? {};
      const fields = { id, flows, verdict, direction, ruleset: rule?.name, rule: rule?.index };
      log.warn(fields, 'flows were counted and not recorded');
    }
    keepCounts(this.#countsFile, accounting.settled);
  }
}

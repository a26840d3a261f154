import { setImmediate as breathe } from 'node:timers/promises';
import type { FlowQuery, FlowStore, FlowWindow } from '../../ports/flow-store.ts';
import { fail } from '../../schema/failure.ts';
import type { FlowReport } from '../../schema/flowreport.ts';
import { isWithin, type NamespacePath, ROOT } from '../../schema/ids.ts';
import { flowCursor } from '../table/cursor.ts';
import { dayOf, type Place, placeIn, placeOf, reportIn, TIMESTAMP_LENGTH } from './line.ts';

/** A file or an object with records of one tenant and day, in the order in which they came. */
export interface Segment {
  key: string;
  /** Bytes; what has grown is another segment to the memory of bounds. */
  size: number;
}

export interface Segments {
  /** Days that the tenant has records of, `2026-03-01`, in any order. */
  days(tenant: NamespacePath): Promise<string[]>;
  of(tenant: NamespacePath, day: string): Promise<Segment[]>;
  /** All that it holds; what stands behind the last newline was never acknowledged. */
  text(segment: Segment): Promise<Buffer>;
  /** What to say when a line is no record. */
  damaged(segment: Segment): Error;
}

/** Most records on a page, so that an answer fits into a response. */
const MOST = 1000;
/** Segments whose first and last place are remembered. */
const REMEMBERED = 20_000;
const NEWLINE = 0x0a;
/** Milliseconds after which a read lets others go on: what a query asks may take long, and in one process they all wait. */
const BREATH = 20;

interface Bounds {
  first: Place;
  last: Place;
}

/** The newest places with their lines, at most `size` of them, each once. */
class Newest {
  readonly #size: number;
  #lines = new Map<Place, string>();
  /** What is older than this cannot get in. */
  bar: Place = '';

  constructor(size: number) {
    this.#size = size;
  }

  add(place: Place, line: string): void {
    this.#lines.set(place, line);
    if (this.#lines.size >= 2 * this.#size) this.#trim();
  }

  #trim(): void {
    const kept = [...this.#lines].sort(([a], [b]) => (a < b ? 1 : -1)).slice(0, this.#size);
    this.#lines = new Map(kept);
    if (kept.length === this.#size) this.bar = kept.at(-1)?.[0] ?? '';
  }

  take(): string[] {
    this.#trim();
    return [...this.#lines.values()];
  }

  get isFull(): boolean {
    this.#trim();
    return this.#lines.size === this.#size;
  }
}

/** Reading from segments: their bounds are remembered, so that a page reads those which can hold a part of it. */
export function flowReader(segments: Segments): Pick<FlowStore, 'read' | 'each'> {
  const known = new Map<string, Bounds>();
  const nameOf = ({ key, size }: Segment): string => `${size} ${key}`;
  const remember = (segment: Segment, bounds: Bounds): void => {
    if (known.size >= REMEMBERED) known.clear();
    known.set(nameOf(segment), bounds);
  };

  /** Shows what the segment holds of the wanted, and remembers its bounds. */
  const scan = async (
    segment: Segment,
    wanted: Pick<Wanted, 'at' | 'in'>,
    see: (place: Place, line: string) => void,
  ): Promise<void> => {
    const bounds: Bounds = { first: '', last: '' };
    let since = performance.now();
    for (const line of linesOf(await segments.text(segment))) {
      const place = placeIn(line);
      if (place === undefined) throw segments.damaged(segment);
      if (bounds.first === '' || place < bounds.first) bounds.first = place;
      if (place > bounds.last) bounds.last = place;
      if (wanted.at(place) && wanted.in(line)) see(place, line);
      if (performance.now() - since < BREATH) continue;
      await breathe();
      since = performance.now();
    }
    remember(segment, bounds);
  };

  const boundsOf = (segment: Segment): Bounds | undefined => known.get(nameOf(segment));
  /** Those that were never read come first: only then it is known what they hold. */
  const inOrder = (all: Segment[]): [Segment, Bounds | undefined][] =>
    all
      .map((segment): [Segment, Bounds | undefined] => [segment, boundsOf(segment)])
      .sort(([, a], [, b]) => ((a?.last ?? '~') < (b?.last ?? '~') ? 1 : -1));

  const read: FlowStore['read'] = async (namespace, query) => {
    refuseEverything(namespace, query);
    const { passes } = query;
    const limit = Math.min(query.limit, MOST);
    // One more than a page: whether there is a next one.
    const newest = new Newest(limit + 1);
    const wanted = wantedBy(namespace, query);
    const sought = { ...wanted, at: (place: Place) => place > newest.bar && wanted.at(place) };
    const see = (place: Place, line: string): void => {
      if (passes === undefined || passes(readable(line))) newest.add(place, line);
    };
    const days = (await segments.days(namespace)).filter(wanted.on).sort().reverse();
    for (const day of days) {
      for (const [segment, bounds] of inOrder(await segments.of(namespace, day))) {
        if (bounds && (!wanted.between(bounds) || bounds.last <= newest.bar)) continue;
        await scan(segment, sought, see);
      }
      if (newest.isFull) break;
    }
    const lines = newest.take();
    const items = lines.slice(0, limit).map(readable);
    return { items, ...nextOf(items, lines.length > limit) };
  };

  const each: FlowStore['each'] = async (namespace, window, see) => {
    refuseEverything(namespace, window);
    const wanted = wantedBy(namespace, window);
    for (const day of (await segments.days(namespace)).filter(wanted.on)) {
      // A record that comes again is of the same day.
      const seen = new Set<Place>();
      for (const segment of await segments.of(namespace, day)) {
        const bounds = boundsOf(segment);
        if (bounds && !wanted.between(bounds)) continue;
        await scan(segment, wanted, (place, line) => {
          if (seen.size < seen.add(place).size) see(readable(line));
        });
      }
    }
  };

  return { read, each };
}

function readable(line: string): FlowReport {
  const report = reportIn(line);
  if (!report) throw fail('unavailable', 'a flow record cannot be read; restore it from a backup');
  return report;
}

const nextOf = (items: readonly FlowReport[], more: boolean): { next?: string } => {
  const last = items.at(-1);
  return more && last ? { next: flowCursor.write([last.timestamp, last.ID]) } : {};
};

function refuseEverything(namespace: NamespacePath, { recursive }: FlowWindow): void {
  if (namespace !== ROOT || !recursive) return;
  throw fail('bad_request', 'flow reports are kept apart by tenant; ask in a tenant, or without recursive');
}

interface Wanted {
  on(day: string): boolean;
  between(bounds: Bounds): boolean;
  at(place: Place): boolean;
  in(line: string): boolean;
}

/** From the moment on and before the other one, and behind the cursor. */
function wantedBy(
  namespace: NamespacePath,
  { from = '', to = '~', after, recursive }: FlowWindow & Pick<FlowQuery, 'after'>,
): Wanted {
  const [timestamp, ID] = after === undefined ? [] : flowCursor.read(after, namespace);
  const behind = timestamp === undefined || ID === undefined ? '~' : placeOf({ timestamp, ID });
  const before = behind < to ? behind : to;
  return {
    on: day => day >= from.slice(0, 10) && day <= dayOf(before),
    between: ({ first, last }) => last >= from && first < before,
    at: place => place >= from && place < before && place.length > TIMESTAMP_LENGTH,
    in: line => {
      const own = NAMESPACE.exec(line)?.[1] ?? '';
      return recursive ? isWithin(own, namespace) : own === namespace;
    },
  };
}

/** No other key ends so, and no value can hold an unescaped quote. */
const NAMESPACE = /[{,]"namespace":"([^"]+)"/;

function* linesOf(text: Buffer): Iterable<string> {
  let start = 0;
  for (let end = text.indexOf(NEWLINE); end >= 0; end = text.indexOf(NEWLINE, start)) {
    yield text.toString('utf8', start, end);
    start = end + 1;
  }
}

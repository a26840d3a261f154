import { z } from 'zod';
import type { Bus } from '../../ports/bus.ts';
import type { Clock } from '../../ports/clock.ts';
import { type BusEvent, events } from '../../schema/event.ts';
import { entryText } from '../event-entry.ts';
import type { Database } from './database.ts';
import { matches, type Pattern } from './event-pattern.ts';
import { pumping } from './pump.ts';

export type Subscriber = (event: BusEvent) => Promise<void>;

/** EventBridge in one process: an event is a row, and so is each delivery that is still owed. */
export interface LocalBus extends Bus {
  /**
   * Delivers the events that match to `subscriber`, at least once, also those that a former process still owed it. The
   * name is what it is found again by after a restart. Like a rule: events published before it was there are not its.
   */
  subscribe(name: string, pattern: Pattern, subscriber: Subscriber): void;
  /** Delivers by itself from now on, at the moment of a publish and when a retry is due. */
  start(): void;
  /** Makes the deliveries that are due, at most 100, once each; resolves with their number when all have ended. */
  deliver(): Promise<number>;
  /** Ends deliveries by itself; resolves when those under way have ended. */
  stop(): Promise<void>;
  /** Deliveries that were given up after the last attempt, with the last error. */
  dead(): { subscriber: string; event: BusEvent; error: string }[];
}

/** What a test can dial up, because EventBridge may do it at any time. */
export interface Disorder {
  /** How many times an event is delivered to a subscriber that succeeds; 1 is calm. */
  copies?: () => number;
  /** The order in which due deliveries are made. */
  shuffle?: <T>(due: T[]) => T[];
}

/** EventBridge's own default: as many attempts in 24 hours. */
const ATTEMPTS = 185;
const LONGEST_DELAY = 10 * 60 * 1000;
const AnyEvent = z.union(Object.values(events));
const Delivery = z.object({
  seq: z.int(),
  subscriber: z.string(),
  attempts: z.int(),
  error: z.string().nullable(),
  event: z
    .string()
    .transform((text): unknown => JSON.parse(text))
    .pipe(AnyEvent),
});
type Delivery = z.infer<typeof Delivery>;

/** Milliseconds until the next attempt: 100, 200, 400 … 10 minutes. */
export const backoff = (attempts: number): number =>
  Math.min(LONGEST_DELAY, 100 * 2 ** Math.min(attempts - 1, 20));

export function openBus(database: Database, clock: Pick<Clock, 'now'>, disorder: Disorder = {}): LocalBus {
  const { handle, write } = database;
  const copies = disorder.copies ?? (() => 1);
  const shuffle = disorder.shuffle ?? (due => due);
  const subscribers = new Map<string, { pattern: Pattern; subscriber: Subscriber }>();
  const now = (): number => clock.now().getTime();

  const insertEvent = handle.prepare('INSERT INTO events (event) VALUES (?)');
  const insertDelivery = handle.prepare('INSERT INTO deliveries (seq, subscriber, due) VALUES (?, ?, ?)');
  const owed = 'dead = 0 AND subscriber IN (SELECT value FROM json_each(?))';
  const joined = 'SELECT * FROM deliveries JOIN events USING (seq)';
  const due = handle.prepare(`${joined} WHERE ${owed} AND due <= ? ORDER BY seq LIMIT 100`);
  const dead = handle.prepare(`${joined} WHERE dead = 1 ORDER BY seq`);
  const next = handle.prepare(`SELECT min(due) AS due FROM deliveries WHERE ${owed}`);
  const names = (): string => JSON.stringify([...subscribers.keys()]);
  const forget = handle.prepare('DELETE FROM deliveries WHERE seq = ? AND subscriber = ?');
  const sweep = handle.prepare(
    'DELETE FROM events WHERE seq = ? AND seq NOT IN (SELECT seq FROM deliveries)',
  );
  const postpone = handle.prepare(
    'UPDATE deliveries SET attempts = ?, due = ?, dead = ?, error = ? WHERE seq = ? AND subscriber = ?',
  );

  const attempt = async ({ seq, subscriber: name, attempts, event }: Delivery): Promise<void> => {
    const target = subscribers.get(name);
    if (!target) return;
    try {
      for (let copy = 0; copy < copies(); copy += 1) await target.subscriber(event);
    } catch (error) {
      const made = attempts + 1;
      const why = error instanceof Error ? error.message : String(error);
      await write(() => postpone.run(made, now() + backoff(made), made >= ATTEMPTS ? 1 : 0, why, seq, name));
      return;
    }
    await write(() => {
      forget.run(seq, name);
      sweep.run(seq);
    });
  };

  const pump = pumping({
    round: async () => {
      const deliveries = shuffle(due.all(names(), now()).map(row => Delivery.parse(row)));
      await Promise.all(deliveries.map(attempt));
      return deliveries.length;
    },
    wait: () => {
      const at = next.get(names())?.due;
      return typeof at === 'number' ? Math.max(0, at - now()) : undefined;
    },
  });

  return {
    async publish(event) {
      const text = entryText(event);
      const owing = [...subscribers]
        .filter(([, { pattern }]) => matches(pattern, event))
        .map(([name]) => name);
      await write(() => {
        const { lastInsertRowid } = insertEvent.run(text);
        for (const name of owing) insertDelivery.run(lastInsertRowid, name, now());
        sweep.run(lastInsertRowid);
      });
      pump.wake();
    },
    subscribe(name, pattern, subscriber) {
      subscribers.set(name, { pattern, subscriber });
      pump.wake();
    },
    start: pump.start,
    deliver: pump.round,
    stop: pump.stop,
    dead: () =>
      dead.all().map(row => {
        const { subscriber, event, error } = Delivery.parse(row);
        return { subscriber, event, error: error ?? '' };
      }),
  };
}

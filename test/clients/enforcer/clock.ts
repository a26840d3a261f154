import type { Clock } from '../../../clients/enforcer/clock.ts';

export interface MovedClock extends Clock {
  /** Lets time pass: whoever sleeps less than that wakes in order, and has run until it sleeps again. */
  pass(milliseconds: number): Promise<void>;
  /**
   * The same for a machine that slept meanwhile: whoever sleeps less than that wakes once, at the end. It is over when as many sleep
   * again, however long their work takes.
   */
  leap(milliseconds: number): Promise<void>;
  /** Sets the wall clock forward or back; no time passes. */
  jump(milliseconds: number): void;
}

interface Sleeper {
  until: number;
  wake: () => void;
}

/** Long enough for what woke up to run to its next sleep: file and loopback I/O included. */
const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 8; turn++) await new Promise(resolve => setImmediate(resolve));
};

/** A clock that moves only when told. `random` always gives the middle. */
export function movedClock(start = '2026-03-01T12:00:00.000Z'): MovedClock {
  let elapsed = 0;
  let wall = Date.parse(start);
  let sleepers: Sleeper[] = [];
  return {
    now: () => new Date(wall),
    elapsed: () => elapsed,
    random: () => 0.5,
    sleep: (milliseconds, signal) =>
      new Promise(resolve => {
        if (signal?.aborted) return resolve();
        const wake = (): void => {
          sleepers = sleepers.filter(one => one !== sleeper);
          signal?.removeEventListener('abort', wake);
          resolve();
        };
        const sleeper: Sleeper = { until: elapsed + milliseconds, wake };
        sleepers.push(sleeper);
        signal?.addEventListener('abort', wake);
      }),
    jump: milliseconds => {
      wall += milliseconds;
    },
    leap: async milliseconds => {
      const asleep = sleepers.length;
      elapsed += milliseconds;
      wall += milliseconds;
      const due = sleepers.filter(({ until }) => until <= elapsed);
      for (const { wake } of due.toSorted((a, b) => a.until - b.until)) wake();
      while (sleepers.length < asleep) await new Promise(resolve => setTimeout(resolve, 1));
    },
    pass: async milliseconds => {
      const end = elapsed + milliseconds;
      await settle();
      for (;;) {
        const [next] = sleepers.toSorted((a, b) => a.until - b.until);
        if (!next || next.until > end) break;
        wall += Math.max(0, next.until - elapsed);
        elapsed = Math.max(elapsed, next.until);
        next.wake();
        await settle();
      }
      wall += end - elapsed;
      elapsed = end;
    },
  };
}

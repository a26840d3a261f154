import type { Timers } from '../../local/asl/timers.ts';
import { type TestClock, testClock } from './clock.ts';

export interface Timeline extends TestClock {
  timers: Timers;
  /** Moves to the next timer and rings it; false when none is set. */
  next(): boolean;
}

/** A clock with timers: both move only when told. `advance` rings what becomes due, in order of time. */
export function timeline(start?: string, seed?: string): Timeline {
  const clock = testClock(start, seed);
  const set = new Set<{ time: number; ring: () => void }>();
  const now = () => clock.now().getTime();
  const first = () =>
    [...set].reduce<{ time: number; ring: () => void } | undefined>(
      (a, b) => (a && a.time <= b.time ? a : b),
      undefined,
    );
  const next = (): boolean => {
    const timer = first();
    if (!timer) return false;
    set.delete(timer);
    clock.advance(Math.max(0, timer.time - now()));
    timer.ring();
    return true;
  };
  return {
    now: clock.now,
    randomBytes: clock.randomBytes,
    next,
    advance: milliseconds => {
      const end = now() + milliseconds;
      while ((first()?.time ?? Number.POSITIVE_INFINITY) <= end) next();
      clock.advance(end - now());
    },
    timers: {
      at: (time, ring) => {
        const timer = { time, ring };
        set.add(timer);
        return () => set.delete(timer);
      },
    },
  };
}

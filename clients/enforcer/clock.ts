import { setTimeout as sleep } from 'node:timers/promises';

/** Time and chance of the agent. Every loop takes its own from here, so that tests can move it. */
export interface Clock {
  /** What the wall clock says; it may jump. */
  now(): Date;
  /** Milliseconds of a clock that never jumps, from an arbitrary start. */
  elapsed(): number;
  /** Resolves after the time has passed, or at once when the signal is given. It never rejects. */
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void>;
  /** From 0 to below 1. */
  random(): number;
}

export const systemClock: Clock = {
  now: () => new Date(),
  elapsed: () => performance.now(),
  sleep: (milliseconds, signal) =>
    sleep(milliseconds, undefined, signal ? { signal } : {}).catch(() => undefined),
  random: () => Math.random(),
};

/** Waits of a loop that fails: doubled with each failure up to a bound, each time with jitter. */
export interface Backoff {
  /** Milliseconds between two rounds that go well. */
  interval: number;
  /** Milliseconds at most. */
  longest: number;
}

/**
 * Milliseconds until the next round. While all goes well, within a fifth of the interval, so that hosts that start
 * together drift apart; after failures anywhere up to the doubled wait, so that they don't come back together either.
 */
export function waitAfter({ interval, longest }: Backoff, failures: number, random: number): number {
  if (failures === 0) return interval * (0.8 + 0.4 * random);
  const ceiling = Math.min(longest, interval * 2 ** Math.min(failures, 30));
  return Math.max(interval * 0.8, ceiling * random);
}

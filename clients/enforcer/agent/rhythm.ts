import type { Backoff } from '../clock.ts';

/** How often an agent does what, in milliseconds: while all goes well, and at the longest while it doesn't. */
export const RHYTHM = {
  register: { interval: 1000, longest: 60_000 },
  poke: { interval: 30_000, longest: 120_000 },
  units: { interval: 30_000, longest: 300_000 },
  reconcile: { interval: 60_000, longest: 60_000 },
  others: { interval: 10_000, longest: 10_000 },
  names: { interval: 1000, longest: 30_000 },
} as const satisfies Record<string, Backoff>;

/** Of looks at control groups, where units are told by some; beside what the kernel tells of them by itself. */
export const CGROUPS = { interval: 200, without: 1000, longest: 10_000 } as const;

const LONGEST_POLL = 60_000;

/** Of polls, whose interval is a setting. */
export const pollRhythm = (interval: number): Backoff => ({
  interval,
  longest: Math.max(LONGEST_POLL, interval),
});

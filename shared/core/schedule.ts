import type { Cron } from 'croner';
import { cronOf, type Schedule } from '../schema/schedule.ts';

/** Schedules that are kept parsed; past so many all are forgotten. */
const KEPT = 1000;
let parsed = new Map<string, Cron>();

function parse(text: string): Cron {
  const known = parsed.get(text);
  if (known) return known;
  if (parsed.size >= KEPT) parsed = new Map();
  const made = cronOf(text);
  parsed.set(text, made);
  return made;
}

const MILLISECONDS = { s: 1000, m: 60_000, h: 3_600_000 } as const;

/** `90m` → milliseconds; 0 when there is none. */
const lengthOf = (duration: string): number => {
  const unit = duration.slice(-1);
  return unit === 's' || unit === 'm' || unit === 'h'
    ? Number(duration.slice(0, -1)) * MILLISECONDS[unit]
    : 0;
};

/**
 * Whether a period of the schedule has begun and not yet ended: `begin ≤ now < begin + duration`. Without a schedule it
 * is always so; with one that has no duration, or never begins, never.
 */
export function isActive({ activeSchedule, activeDuration }: Schedule, now: Date): boolean {
  if (activeSchedule === '') return true;
  const length = lengthOf(activeDuration);
  if (length === 0) return false;
  // The first beginning after `now - duration` is the one that matters: the next run is later than what is given.
  const begin = parse(activeSchedule).nextRun(new Date(now.getTime() - length));
  return begin !== null && begin.getTime() <= now.getTime();
}

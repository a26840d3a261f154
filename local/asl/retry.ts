import { type Chance, fraction } from './functions.ts';
import type { Retrier } from './schema.ts';
import { matches } from './state-error.ts';

export interface Again {
  /** Milliseconds from now. */
  delay: number;
  /** How often each entry was used, this time included. */
  retries: number[];
}

/**
 * Whether a failed state is tried again, and when. The first entry that holds for the error decides, also when it is
 * used up. `used`: how often each entry was used since the state was entered.
 */
export function retry(
  retriers: readonly Retrier[],
  used: readonly number[],
  error: string,
  chance: Pick<Chance, 'randomBytes'>,
): Again | undefined {
  const index = retriers.findIndex(({ ErrorEquals }) => matches(ErrorEquals, error));
  const retrier = retriers[index];
  const before = used[index] ?? 0;
  if (!retrier || before >= retrier.MaxAttempts) return undefined;
  const {
    IntervalSeconds,
    BackoffRate,
    MaxDelaySeconds = Number.POSITIVE_INFINITY,
    JitterStrategy,
  } = retrier;
  const seconds = Math.min(IntervalSeconds * BackoffRate ** before, MaxDelaySeconds);
  const share = JitterStrategy === 'FULL' ? fraction(chance) : 1;
  return {
    delay: Math.round(seconds * 1000 * share),
    retries: retriers.map((_, at) => (used[at] ?? 0) + (at === index ? 1 : 0)),
  };
}

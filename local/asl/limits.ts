import { type Json, sizeOf } from './json.ts';
import { StateError } from './state-error.ts';

/** Quotas of Step Functions, Standard. Source: AWS Step Functions developer guide, "Service quotas". */
export const LIMITS = {
  /** Bytes of an input, an output, a payload, or one Assign. */
  payload: 256 * 1024,
  /** Events in the history of one execution. */
  history: 25_000,
  /** Iterations of an inline Map at a time. */
  mapConcurrency: 40,
  /** Characters of an error's name and of its cause. */
  error: 256,
  cause: 32_768,
  /** Days for which a closed execution is kept and its name stays taken. */
  retentionDays: 90,
} as const;

/** The value, unless it is over the payload quota. `what` names it: "the output of `Fetch`". */
export function withinQuota<T extends Json>(value: T, what: string): T {
  const size = sizeOf(value);
  if (size <= LIMITS.payload) return value;
  throw new StateError(
    'States.DataLimitExceeded',
    `${what} has ${size} bytes; the most is ${LIMITS.payload}`,
  );
}

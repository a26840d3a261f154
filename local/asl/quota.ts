import { type Json, sizeOf } from './json.ts';
import { LIMITS } from './limits.ts';
import { StateError } from './state-error.ts';

/** The value, unless it is over the payload quota. `what` names it: "the output of `Fetch`". */
export function withinQuota<T extends Json>(value: T, what: string): T {
  const size = sizeOf(value);
  if (size <= LIMITS.payload) return value;
  throw new StateError(
    'States.DataLimitExceeded',
    `${what} has ${size} bytes; the most is ${LIMITS.payload}`,
  );
}

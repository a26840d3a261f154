import { fail } from '../../schema/failure.ts';
import { isMapping, type Value } from './value.ts';

/** Steps, entries and characters that one rendering may come to. */
export const MOST = 8 * 1024 * 1024;

/** A step counts as so many characters, which take about as long. */
export const STEP = 8;

/** What is left of it. */
export interface Budget {
  left: number;
}

export function spend(budget: Budget, amount: number): void {
  budget.left -= amount;
  if (budget.left >= 0) return;
  throw fail(
    'too_large',
    `the template comes to more than ${MOST} steps and characters; render less at a time`,
  );
}

/** Spends a value whole, each part as often as it is reached: what prints a value walks it like this. */
export function spendWhole(budget: Budget, value: Value): void {
  spend(budget, typeof value === 'string' ? value.length + 1 : 1);
  if (Array.isArray(value)) for (const part of value) spendWhole(budget, part);
  else if (isMapping(value)) {
    for (const [key, part] of Object.entries(value)) {
      spend(budget, key.length);
      spendWhole(budget, part);
    }
  }
}

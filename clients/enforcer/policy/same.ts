import type { BundleRuleSet } from '../../../shared/schema/bundle.ts';
import type { ObjectId } from '../../../shared/schema/ids.ts';

/** Whether two values that came as JSON are the same, with keys in the same order or not. */
export function isSame(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a) || Array.isArray(b))
    return (
      Array.isArray(a) &&
      Array.isArray(b) &&
      a.length === b.length &&
      a.every((one, at) => isSame(one, b[at]))
    );
  const [one, other] = [a as Record<string, unknown>, b as Record<string, unknown>];
  let keys = 0;
  for (const key in one) {
    if (!Object.hasOwn(other, key) || !isSame(one[key], other[key])) return false;
    keys++;
  }
  for (const _ in other) keys--;
  return keys === 0;
}

/** Which of the rulesets that are in two policies are the same in both. */
export interface Unchanged {
  has(ruleset: ObjectId): boolean;
}

/** Rulesets that are in both, and the same in both. */
export function unchanged(before: readonly BundleRuleSet[], after: readonly BundleRuleSet[]): Unchanged {
  if (before === after) return { has: () => true };
  const earlier = new Map(before.map(ruleset => [ruleset.ID, ruleset]));
  return new Set(after.flatMap(ruleset => (isSame(earlier.get(ruleset.ID), ruleset) ? [ruleset.ID] : [])));
}

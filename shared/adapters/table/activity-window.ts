import type { Activity, ActivityQuery, Page } from '../../ports/object-store.ts';
import type { NamespacePath } from '../../schema/ids.ts';
import { activityCursor } from './cursor.ts';
import { activityKey } from './keys.ts';

/** The sort key behind which a list that goes back in time begins: the cursor's, or the end of the window. */
export function activityStart({ after, to }: ActivityQuery, namespace: NamespacePath): string | undefined {
  if (after === undefined) return to;
  const [date, id] = activityCursor.read(after, namespace);
  const { sk } = activityKey({ namespace, date, id });
  return to !== undefined && to < sk ? to : sk;
}

const DAY = 24 * 3600_000;

/** Where a list begins at the earliest: what is over is not shown, whether it was removed or not. `days` 0: nothing is ever over. */
export function activityFrom({ from }: ActivityQuery, days: number, now: Date): string | undefined {
  if (days === 0) return from;
  const first = new Date(now.getTime() - days * DAY + 1).toISOString();
  return from !== undefined && from > first ? from : first;
}

/** The page without what is older than the window; behind that there is nothing to go on to. */
export function since({ items, next }: Page<Activity>, from: string | undefined): Page<Activity> {
  const inside = from === undefined ? items : items.filter(({ date }) => date >= from);
  return { items: inside, ...(next === undefined || inside.length < items.length ? {} : { next }) };
}

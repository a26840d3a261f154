import { z } from 'zod';
import { newObjectId } from '../../shared/core/object.ts';
import type { ListQuery, Page } from '../../shared/ports/object-store.ts';
import { Failure } from '../../shared/schema/failure.ts';
import { NamespacePath } from '../../shared/schema/ids.ts';
import type { ProcessingUnit } from '../../shared/schema/processingunit.ts';
import { type Mappings, mappingsFrom } from '../unit-mapping.ts';
import { moveOf, replacing } from '../units.ts';
import { Called, type TaskDeps, task } from './task.ts';

const Input = z.strictObject({
  ...Called,
  namespace: NamespacePath,
  /** Where the call before ended; empty: at the beginning. */
  after: z.string(),
});

/** Units of a page, and those that are moved at once: each is a transaction of its own. */
const PAGE = 200;
const PARALLEL = 8;
/** A call has 30 seconds: it takes up no other page when it moved so many, or after so many milliseconds. */
const MOST = 2000;
const LONGEST = 15_000;

/** Whose work it is, as the activity log shows it. */
const SYSTEM_CLAIMS = ['@auth:realm=system', '@auth:subject=namespace-mapping'] as const;

/**
 * Moves units whose way leads through a namespace to where they belong now, a part at a call: those in the namespace and below, in the order
 * of the store. Answers where it ended, empty at the end, and how many it moved or could not judge. Mappings are read anew for each
 * page. Who was moved down may be met again, where it belongs.
 */
export const moveUnits = task(Input, async ({ execution, namespace, after }, deps) => {
  const begun = deps.clock.now().getTime();
  let moved = 0;
  let next = after;
  do {
    const query: ListQuery = { limit: PAGE, ...(next === '' ? {} : { after: next }) };
    const page: Page<ProcessingUnit> = await deps.store.listTree('processingunit', namespace, query);
    const mappings = mappingsFrom(deps);
    for (let at = 0; at < page.items.length; at += PARALLEL) {
      const some = page.items.slice(at, at + PARALLEL);
      const done = await Promise.all(some.map(unit => moveUnit(unit, mappings, execution, deps)));
      moved += done.filter(Boolean).length;
    }
    next = page.next ?? '';
  } while (next !== '' && moved < MOST && deps.clock.now().getTime() - begun < LONGEST);
  return { after: next, moved };
});

/** False where it belongs where it is. */
async function moveUnit(
  unit: ProcessingUnit,
  mappings: Mappings,
  execution: string,
  deps: TaskDeps,
): Promise<boolean> {
  const move = await moveOf(unit, mappings, deps);
  if (!move) return false;
  const now = deps.clock.now();
  try {
    await deps.store.commit([
      ...replacing(unit, move.unit),
      {
        kind: 'activity',
        activity: {
          id: newObjectId(now, size => deps.clock.randomBytes(size)),
          namespace: move.unit.namespace,
          date: now.toISOString(),
          operation: 'update',
          targetIdentity: 'processingunit',
          targetID: unit.ID,
          claims: SYSTEM_CLAIMS,
          requestID: execution,
          before: unit,
          after: move.unit,
        },
      },
    ]);
  } catch (error) {
    // Changed, moved or removed meanwhile: by its enforcer, which maps it too, or by an earlier call. The next pass sees what became of it.
    if (!(error instanceof Failure && ['conflict', 'not_found'].includes(error.kind))) throw error;
  }
  return true;
}

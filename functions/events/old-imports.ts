import { Failure } from '../../shared/schema/failure.ts';
import { IMPORT_LIMITS, type ImportRun } from '../../shared/schema/import.ts';
import type { Deps } from '../deps.ts';
import { everyImport } from '../import/every.ts';
import { rightsOf } from '../import/frozen.ts';
import { giving } from '../import/label.ts';
import { hasEnded } from '../import/run.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** Ended long ago, or never started. */
function isOld(run: ImportRun, now: Date): boolean {
  const { keptDays, uploadHours } = IMPORT_LIMITS;
  if (hasEnded(run)) return Date.parse(run.endTime ?? run.updateTime) + keptDays * DAY <= now.getTime();
  return run.status === 'Uploading' && Date.parse(run.createTime) + uploadHours * HOUR <= now.getTime();
}

/** On a schedule: removes what is on record of imports that ended long ago. The activity log has its own time. */
export async function removeOldImports(
  deps: Pick<Deps, 'store' | 'clock' | 'log'>,
): Promise<{ removed: number }> {
  const now = deps.clock.now();
  let removed = 0;
  for await (const run of everyImport(deps)) if (isOld(run, now) && (await remove(run, deps))) removed += 1;
  return { removed };
}

async function remove(run: ImportRun, deps: Pick<Deps, 'store' | 'log'>): Promise<boolean> {
  const rights = await rightsOf(run, deps);
  try {
    await deps.store.commit([
      { kind: 'delete', resource: 'import', object: run, seen: run.updateTime },
      ...(await giving(run, deps)),
      ...(rights
        ? [{ kind: 'delete', resource: 'importrights', object: rights, seen: rights.updateTime } as const]
        : []),
    ]);
  } catch (error) {
    // Started or deleted in this very moment.
    if (error instanceof Failure && ['conflict', 'not_found'].includes(error.kind)) return false;
    throw error;
  }
  deps.log.info('removed an old import', { ID: run.ID, namespace: run.namespace });
  return true;
}

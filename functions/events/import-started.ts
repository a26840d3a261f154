import type { Change } from '../../shared/ports/change-feed.ts';
import type { ImportRun } from '../../shared/schema/import.ts';
import type { Deps } from '../deps.ts';

/** An import was started: starts its workflow, once. */
export async function importStarted(
  changes: readonly Change[],
  { workflows, log }: Pick<Deps, 'workflows' | 'log'>,
): Promise<void> {
  for (const { resource, after } of changes) {
    if (resource !== 'import' || !after) continue;
    const { ID, namespace, status } = after as ImportRun;
    if (status !== 'Queued') continue;
    const { started } = await workflows.start('import-objects', ID, { ID, namespace });
    log.info(started ? 'import started' : 'import was started before', { import: ID, namespace });
  }
}

import type { Execution } from '../../shared/ports/workflows.ts';
import type { ImportRun } from '../../shared/schema/import.ts';
import type { Deps } from '../deps.ts';
import { everyImport } from '../import/every.ts';
import { hasEnded } from '../import/run.ts';

const HOUR = 3_600_000;
/** An import that goes on is written more often; nobody asks about it. */
const SILENCE = HOUR / 2;

const isSilent = (run: ImportRun, now: Date): boolean =>
  run.status !== 'Uploading' && !hasEnded(run) && Date.parse(run.updateTime) + SILENCE <= now.getTime();

/** Each hour has an execution of its own, so that one that came to nothing is followed by another. */
const endingName = ({ ID }: ImportRun, now: Date): string => `${ID}-end-${Math.floor(now.getTime() / HOUR)}`;

const isOver = (execution: Execution | undefined): execution is Execution =>
  execution !== undefined && execution.status !== 'RUNNING';

/**
 * On a schedule: begins the workflow of an import that waits for one, and ends an import whose workflow is over without
 * having said so, since it was ended from outside, took longer than a day or could not write. Its label is free then.
 */
export async function endStuckImports(
  deps: Pick<Deps, 'store' | 'clock' | 'log' | 'workflows'>,
): Promise<{ ended: number }> {
  const { clock, workflows, log } = deps;
  const now = clock.now();
  let ended = 0;
  for await (const run of everyImport(deps)) {
    if (!isSilent(run, now)) continue;
    const { ID, namespace } = run;
    const execution = await workflows.describe('import-objects', ID);
    if (execution === undefined) await workflows.start('import-objects', ID, { ID, namespace });
    if (!isOver(execution)) continue;
    const failure = `its workflow is over: ${execution.status}`;
    await workflows.start('import-objects', endingName(run, now), { ID, namespace, failure });
    log.warn('an import is ended whose workflow is over', {
      import: ID,
      namespace,
      status: execution.status,
    });
    ended += 1;
  }
  return { ended };
}

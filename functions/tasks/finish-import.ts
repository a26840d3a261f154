import { z } from 'zod';
import type { ImportRun } from '../../shared/schema/import.ts';
import { rightsOf } from '../import/frozen.ts';
import { giving } from '../import/label.ts';
import { advance, hasEnded, importActivity, importAt } from '../import/run.ts';
import { OfImport } from './plan-import.ts';
import { task } from './task.ts';

const Input = z.strictObject({ ...OfImport, failure: z.string() });

type Ending = Pick<ImportRun, 'status' | 'reason'>;

const applied = ({ applied: done, total, label, status }: ImportRun): string =>
  status === 'Applying'
    ? `${done} of ${total} objects were applied; import it again with the label \`${label}\` to go on`
    : 'nothing was applied';

const firstOf = ({ errors: [first] }: ImportRun): string =>
  first ? `${first.at === '' ? '' : `${first.at}: `}${first.description}` : '';

/** How an import ended, by what is on record of it. */
export function endingOf(run: ImportRun, failure: string): Ending {
  if (failure !== '') return { status: 'Failed', reason: `${failure}; ${applied(run)}` };
  if (run.errors.length > 0) {
    const status = run.status === 'Applying' ? 'Failed' : 'Refused';
    const which = run.failed > 1 ? `${run.failed} of ${run.total} objects were refused, first ` : '';
    return { status, reason: `${which}${firstOf(run)}; ${applied(run)}` };
  }
  const isWhole = run.isPlanned && (run.spec.validateOnly ? run.validated : run.applied) === run.total;
  if (run.wanted === 'Cancel' && !isWhole)
    return { status: 'Cancelled', reason: `it was cancelled; ${applied(run)}` };
  return { status: 'Succeeded', reason: '' };
}

/** Writes how the import ended, once. What it was started with is of no use any more. */
export const finishImport = task(Input, async ({ failure, execution, ...place }, deps) => {
  const run = await importAt(place, deps);
  if (!run || hasEnded(run)) return {};
  const { status, reason } = endingOf(run, failure);
  const ending = { status, reason: reason.slice(0, 1024), endTime: deps.clock.now().toISOString() };
  const { label, total, created, updated, unchanged, removed, leftOut } = run;
  const after = { ...ending, label, total, created, updated, unchanged, removed, leftOut };
  const rights = await rightsOf(run, deps);
  await advance(run, ending, deps, [
    ...(await giving(run, deps)),
    importActivity(run, execution, after, deps),
    ...(rights
      ? [{ kind: 'delete', resource: 'importrights', object: rights, seen: rights.updateTime } as const]
      : []),
  ]);
  return {};
});

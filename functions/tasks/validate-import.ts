import { Failure } from '../../shared/schema/failure.ts';
import { IMPORT_LIMITS, type ImportRun } from '../../shared/schema/import.ts';
import { checkPart } from '../import/check.ts';
import { errorsOf, isPassing } from '../import/errors.ts';
import { callOf } from '../import/frozen.ts';
import { getPart } from '../import/parts.ts';
import { advance, hasEnded, importAt } from '../import/run.ts';
import { FINISH, type Next, Tried } from './plan-import.ts';
import { type TaskDeps, task } from './task.ts';

const isOver = (run: ImportRun): boolean =>
  hasEnded(run) || run.wanted === 'Cancel' || run.errors.length >= IMPORT_LIMITS.errors;

async function look(run: ImportRun, tries: number, deps: TaskDeps): Promise<ImportRun> {
  const call = await callOf(run, deps);
  if (run.part >= run.parts) return run;
  const told = await checkPart(await getPart(deps.bucket, run, run.part), run, { call, tries }, deps);
  return advance(run, { ...told, part: run.part + 1 }, deps);
}

/**
 * Looks at one part as if it were applied. Behind the last one it says what comes next: nothing is applied before all
 * was looked at, and nothing when anything was refused.
 */
export const validateImport = task(Tried, async ({ tries, ...input }, deps): Promise<Next> => {
  let run = await importAt(input, deps);
  if (!run || isOver(run)) return FINISH;
  if (run.status === 'Applying') return { next: 'apply' };
  try {
    run = await look(run, tries, deps);
  } catch (error) {
    if (!(error instanceof Failure) || isPassing(error, tries)) throw error;
    await advance(run, { errors: errorsOf(error, '') }, deps);
    return FINISH;
  }
  if (run.part < run.parts && !isOver(run)) return { next: 'validate' };
  if (run.errors.length > 0 || isOver(run) || run.spec.validateOnly) return FINISH;
  await advance(run, { status: 'Applying', part: 0, offset: 0 }, deps);
  return { next: 'apply' };
});

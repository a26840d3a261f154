import { Failure } from '../../shared/schema/failure.ts';
import type { ImportRun } from '../../shared/schema/import.ts';
import { errorsOf, isPassing } from '../import/errors.ts';
import { callOf } from '../import/frozen.ts';
import { getPart } from '../import/parts.ts';
import { advance, hasEnded, importAt } from '../import/run.ts';
import { applyPart } from '../import/work.ts';
import { FINISH, type Next, Tried } from './plan-import.ts';
import { type TaskDeps, task } from './task.ts';

const isOver = (run: ImportRun): boolean =>
  hasEnded(run) || run.wanted === 'Cancel' || run.errors.length > 0 || run.part >= run.parts;

async function apply(run: ImportRun, tries: number, deps: TaskDeps): Promise<ImportRun> {
  const call = await callOf(run, deps);
  return applyPart(await getPart(deps.bucket, run, run.part), run, { call, tries }, deps);
}

/**
 * Applies one part. How far it came is written in the very transactions that it writes the objects in, so that a call
 * that died, or that another one overtook, has done nothing that is not counted, and nothing is done twice.
 */
export const applyImport = task(Tried, async ({ tries, ...input }, deps): Promise<Next> => {
  const run = await importAt(input, deps);
  if (!run || isOver(run)) return FINISH;
  try {
    return isOver(await apply(run, tries, deps)) ? FINISH : { next: 'apply' };
  } catch (error) {
    if (!(error instanceof Failure) || isPassing(error, tries)) throw error;
    const now = (await importAt(input, deps)) ?? run;
    await advance(now, { errors: errorsOf(error, '') }, deps);
    return FINISH;
  }
});

import { Failure } from '../../shared/schema/failure.ts';
import { IMPORT_LIMITS, type ImportError, type ImportRun } from '../../shared/schema/import.ts';
import { explained } from '../being-deleted.ts';
import { rehearsing } from '../pipeline/rehearse.ts';
import type { TaskDeps } from '../tasks/task.ts';
import { placeIn, type Run, refuseTwice, runOf, type Step, stepOf } from './apply.ts';
import { chunks } from './batch.ts';
import { errorsOf, isPassing } from './errors.ts';
import { nouns } from './nouns.ts';
import { callFor } from './objects.ts';
import { type Part, type Planned, stretches } from './parts.ts';
import { reachOf } from './reach.ts';
import { removal } from './remove.ts';
import { type Try, takePlanned, targetsOf } from './run.ts';

type Told = Pick<ImportRun, 'validated' | 'failed' | 'errors' | 'findings' | 'moreFindings' | 'warnings'>;

/** The first of what is told, and how many more there are. */
function bounded<T>(all: readonly T[], most: number): { kept: T[]; more: number } {
  return { kept: all.slice(0, most), more: Math.max(0, all.length - most) };
}

/** One part of an import that is looked at. Nothing is written: what would be is kept aside, for what comes after it. */
class Look {
  readonly errors: ImportError[] = [];
  failed = 0;
  readonly #run: Run;
  readonly #tries: number;

  constructor(run: Run, tries: number) {
    this.#run = run;
    this.#tries = tries;
  }

  /** Notes a refusal; what passes is for the state machine to try again. */
  async #refused(error: unknown, entries: readonly Planned[]): Promise<void> {
    const [first] = entries;
    const refusal = first ? await explained(error, first.namespace, this.#run.deps) : error;
    if (!(refusal instanceof Failure) || isPassing(refusal, this.#tries)) throw refusal;
    this.failed += entries.length;
    this.errors.push(...errorsOf(refusal, placeIn(entries)));
  }

  /** Makes the namespaces that parts before this one bring, as far as nothing is wrong with them: that is told there. */
  async above(entries: readonly Planned[]): Promise<void> {
    for (const entry of entries) {
      try {
        const { writes } = await stepOf(entry, this.#run);
        await this.#run.deps.store.commit(writes);
      } catch (error) {
        if (!(error instanceof Failure) || isPassing(error, this.#tries)) throw error;
      }
    }
    this.#run.report.findings.length = 0;
  }

  async stretch(entries: readonly Planned[], targets: Awaited<ReturnType<typeof targetsOf>>): Promise<void> {
    if (entries[0]?.removes) return this.#removals(entries, targets);
    const names = new Set<string>();
    const steps: Step[] = [];
    for (const entry of entries) {
      try {
        const step = await stepOf(entry, this.#run);
        refuseTwice(step, names);
        if (step.writes.length > 0) steps.push(step);
      } catch (error) {
        await this.#refused(error, [entry]);
      }
    }
    for (const chunk of chunks(steps, 1)) await this.#commit(chunk, entries);
  }

  /** Together as they will be written; one by one where that is refused, so that the one is found that it is about. */
  async #commit(chunk: readonly Step[], entries: readonly Planned[]): Promise<void> {
    try {
      await this.#run.deps.store.commit(chunk.flatMap(({ writes }) => writes));
    } catch (error) {
      const [first] = chunk;
      if (chunk.length > 1) {
        for (const step of chunk) await this.#commit([step], entries);
      } else
        await this.#refused(
          error,
          entries.filter(({ at }) => at === first?.entry.at),
        );
    }
  }

  async #removals(
    entries: readonly Planned[],
    targets: Awaited<ReturnType<typeof targetsOf>>,
  ): Promise<void> {
    for (const entry of entries) {
      const target = targets.get(entry.at);
      if (!target) continue;
      try {
        if (entry.identity === 'namespace') {
          const derived = await callFor(entry, 'delete', target, this.#run.call, this.#run.lineages);
          await nouns[derived.operation]?.({ ...derived, dryRun: true }, this.#run.deps);
        } else await removal({ entry, target }, this.#run);
      } catch (error) {
        // Whether a namespace is empty is known when all else is gone.
        const isHeld =
          error instanceof Failure && error.kind === 'conflict' && entry.identity === 'namespace';
        if (!isHeld) await this.#refused(error, [entry]);
      }
    }
  }
}

/** Looks at a part as if it were applied, and adds up what is to be told of it. */
export async function checkPart(
  { above, entries }: Part,
  run: ImportRun,
  { call, tries }: Try,
  deps: TaskDeps,
): Promise<Told> {
  const targets = await targetsOf(entries, deps);
  const engine: Run = {
    ...runOf(call, rehearsing(reachOf(deps)), nouns, run.label),
    take: takePlanned(targets),
  };
  const look = new Look(engine, tries);
  await look.above(above);
  for (const stretch of stretches(entries)) await look.stretch(stretch, targets);
  const errors = bounded([...run.errors, ...look.errors], IMPORT_LIMITS.errors);
  const findings = bounded([...run.findings, ...engine.report.findings], IMPORT_LIMITS.findings);
  const warnings = new Set([...run.warnings, ...engine.warnings]);
  return {
    validated: run.validated + entries.length,
    failed: run.failed + look.failed,
    errors: errors.kept,
    findings: findings.kept,
    moreFindings: run.moreFindings + findings.more,
    warnings: bounded([...warnings], IMPORT_LIMITS.findings).kept,
  };
}

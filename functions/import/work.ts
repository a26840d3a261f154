import { Failure } from '../../shared/schema/failure.ts';
import { IMPORT_LIMITS, type ImportRun } from '../../shared/schema/import.ts';
import type { TaskDeps } from '../tasks/task.ts';
import { type Outcome, placeIn, type Run, runOf, type Step, stepOf } from './apply.ts';
import { chunks } from './batch.ts';
import { errorsOf, isPassing } from './errors.ts';
import { nouns } from './nouns.ts';
import { type Part, type Planned, stretches } from './parts.ts';
import { reachOf } from './reach.ts';
import { removal, removeNamespace } from './remove.ts';
import { advance, type Try, takePlanned, targetsOf } from './run.ts';

type Counts = Pick<ImportRun, 'applied' | Outcome>;

function counted(run: ImportRun, outcomes: readonly Outcome[]): Counts {
  const counts: Counts = {
    applied: run.applied + outcomes.length,
    created: run.created,
    updated: run.updated,
    unchanged: run.unchanged,
    removed: run.removed,
    leftOut: run.leftOut,
  };
  for (const outcome of outcomes) counts[outcome] += 1;
  return counts;
}

/** A refusal that comes of what has changed since all was looked at: the import ends here, and says where it stands. */
const stopped = (error: Failure, entries: readonly { at: string }[]): Partial<ImportRun> => ({
  errors: errorsOf(error, placeIn(entries)),
  failed: entries.length,
});

type Targets = Awaited<ReturnType<typeof targetsOf>>;

/** The objects that entries mean, and how often the part was tried before. */
interface Tried extends Pick<Try, 'tries'> {
  targets: Targets;
}

/** One part of an import that is applied. The import's own record goes with each transaction and says how far it came. */
class Work {
  run: ImportRun;
  readonly #engine: Run;
  readonly #deps: TaskDeps;
  readonly #targets: Targets;
  readonly #tries: number;

  constructor(run: ImportRun, engine: Run, deps: TaskDeps, { targets, tries }: Tried) {
    this.run = run;
    this.#tries = tries;
    this.#engine = engine;
    this.#deps = deps;
    this.#targets = targets;
  }

  /** False when it was refused: nothing more of the import is applied. */
  async stretch(entries: readonly Planned[]): Promise<boolean> {
    const [first] = entries;
    if (first?.removes && first.identity === 'namespace') {
      return this.#guarded(entries, () => this.#removeNamespace(first));
    }
    const steps: Step[] = [];
    const prepare = first?.removes ? this.#removal : this.#step;
    for (const entry of entries) {
      const done = await this.#guarded([entry], async () => void steps.push(await prepare(entry)));
      if (!done) return false;
    }
    for (const chunk of chunks(steps, 1)) {
      const done = await this.#guarded(
        chunk.map(({ entry }) => entry),
        () => this.#commit(chunk),
      );
      if (!done) return false;
    }
    return true;
  }

  readonly #step = (entry: Planned): Promise<Step> => stepOf(entry, this.#engine);

  readonly #removal = async (entry: Planned): Promise<Step> => {
    const target = this.#targets.get(entry.at);
    return target ? removal({ entry, target }, this.#engine) : { entry, writes: [], outcome: 'removed' };
  };

  async #commit(chunk: readonly Step[], change: Partial<ImportRun> = {}): Promise<void> {
    const { run } = this;
    const outcomes = chunk.map(({ outcome }) => outcome);
    const next = { ...counted(run, outcomes), ...change, offset: run.offset + chunk.length };
    this.run = await advance(
      run,
      next,
      this.#deps,
      chunk.flatMap(({ writes }) => writes),
    );
  }

  /** More than one transaction. Called again behind the last one, it finds the namespace gone. */
  async #removeNamespace(entry: Planned): Promise<void> {
    const target = this.#targets.get(entry.at);
    const { findings } = this.#engine.report;
    findings.length = 0;
    const isGone = !target || (await removeNamespace({ entry, target }, this.#engine));
    const all = [...this.run.findings, ...findings];
    await this.#commit([{ entry, writes: [], outcome: isGone ? 'removed' : 'leftOut' }], {
      findings: all.slice(0, IMPORT_LIMITS.findings),
      moreFindings: this.run.moreFindings + Math.max(0, all.length - IMPORT_LIMITS.findings),
    });
  }

  async #guarded(entries: readonly { at: string }[], work: () => Promise<void>): Promise<boolean> {
    try {
      await work();
      return true;
    } catch (error) {
      if (!(error instanceof Failure) || isPassing(error, this.#tries)) throw error;
      this.run = await advance(this.run, stopped(error, entries), this.#deps);
      return false;
    }
  }
}

/** Applies what is left of a part. Gives the import as it then stands: with errors when it was stopped. */
export async function applyPart(
  { entries }: Part,
  run: ImportRun,
  { call, tries }: Try,
  deps: TaskDeps,
): Promise<ImportRun> {
  const left = entries.slice(run.offset);
  const targets = await targetsOf(left, deps);
  const engine: Run = { ...runOf(call, reachOf(deps), nouns, run.label), take: takePlanned(targets) };
  const work = new Work(run, engine, deps, { targets, tries });
  for (const stretch of stretches(left)) if (!(await work.stretch(stretch))) return work.run;
  return advance(work.run, { part: run.part + 1, offset: 0 }, deps);
}

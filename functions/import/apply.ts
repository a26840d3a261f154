import type { ImportReport } from '../../shared/api/messages.ts';
import type { Write } from '../../shared/ports/object-store.ts';
import { Failure, fail } from '../../shared/schema/failure.ts';
import { resourceOf } from '../../shared/schema/resources.ts';
import { explained } from '../being-deleted.ts';
import type { Call, Handler } from '../call.ts';
import type { Deps } from '../deps.ts';
import { chunks, type Prepared, recording } from './batch.ts';
import type { Entry } from './entries.ts';
import { settle, withPorts } from './legacy.ts';
import { callFor, isAsSaid, labelTag, lineagesFor, type Take, takeFrom } from './objects.ts';

/** Handlers of the operations of each resource, by operation. */
export type Nouns = Readonly<Record<string, Handler>>;

/** One import under way. */
export interface Run {
  call: Call;
  deps: Deps;
  nouns: Nouns;
  take: Take;
  lineages: ReturnType<typeof lineagesFor>;
  report: ImportReport;
  warnings: Set<string>;
  /** IDs of the objects that the file holds. */
  held: Set<string>;
}

export const runOf = (call: Call, deps: Deps, nouns: Nouns, label: string): Run => ({
  call,
  deps,
  nouns,
  take: takeFrom(deps.store),
  lineages: lineagesFor(call, deps),
  report: { label, created: 0, updated: 0, unchanged: 0, removed: 0, findings: [] },
  warnings: new Set(),
  held: new Set(),
});

export type Outcome = 'created' | 'updated' | 'unchanged' | 'removed' | 'leftOut';

/** What one entry comes to: its writes, none of which is done yet. */
export interface Step extends Prepared<Entry> {
  outcome: Outcome;
}

/** Runs one operation without writing. */
export async function recorded(derived: Call, { deps, nouns, warnings }: Run): Promise<Write[]> {
  const writes: Write[] = [];
  const reply = await nouns[derived.operation]?.(derived, { ...deps, store: recording(deps.store, writes) });
  for (const message of reply?.messages ?? []) warnings.add(message);
  return writes;
}

/** What an entry comes to, as if it had come alone. */
export async function stepOf(said: Entry, run: Run): Promise<Step> {
  const { call, report, take, lineages, held } = run;
  const { entry, servicePorts, findings } = settle(said);
  report.findings.push(...findings);
  if (!entry) return { entry: said, writes: [], outcome: 'leftOut' };
  const tag = labelTag(report.label);
  const target = await take(entry, tag);
  const { metadata = [], ...attributes } = entry.fields;
  if (!target) {
    // What is no list is left as it is, for the create to refuse.
    const tagged = { ...attributes, metadata: Array.isArray(metadata) ? [...metadata, tag] : metadata };
    const derived = await callFor({ ...entry, fields: tagged }, 'create', undefined, call, lineages);
    const writes = withPorts(await recorded(derived, run), servicePorts);
    for (const write of writes) if (write.kind === 'create') held.add(write.object.ID);
    return { entry, writes, outcome: 'created' };
  }
  held.add(target.ID);
  const { name, ...rest } = attributes;
  const fields = resourceOf(entry.identity).unique === 'name' ? rest : { ...rest, name };
  const ports = servicePorts ?? fields.servicePorts;
  const same =
    ports === undefined || JSON.stringify(ports) === JSON.stringify(Reflect.get(target, 'servicePorts'));
  const { servicePorts: _, ...compared } = fields;
  if (same && isAsSaid(entry.identity, target, compared)) return { entry, writes: [], outcome: 'unchanged' };
  const derived = await callFor({ ...entry, fields }, 'patch', target, call, lineages);
  return { entry, writes: withPorts(await recorded(derived, run), servicePorts), outcome: 'updated' };
}

/** Where entries stand in the file: `data.namespaces[0] to namespaces[3]`. */
export function placeIn(at: readonly Pick<Entry, 'at'>[]): string {
  const [first, last] = [at[0], at.at(-1)];
  return `data.${first?.at}${first === last ? '' : ` to ${last?.at}`}`;
}

/** The failure of one entry, or of a transaction of several, with where it stands and what was done. */
function told(failure: Failure, at: readonly Entry[], done: number, run: Run): Failure {
  const { label, created, updated, unchanged, removed } = run.report;
  const here = done === 0 ? 'nothing was applied' : `only ${done} objects were applied`;
  const applied = created + updated + unchanged + removed;
  const after = `; ${here} in ${at[0]?.namespace}, and ${applied - done} in namespaces before it; repeat the import with label \`${label}\` to go on`;
  return new Failure(
    failure.kind,
    failure.details.map(detail => ({
      ...detail,
      description: `${placeIn(at)}: ${detail.description}${after}`,
      data: { ...detail.data, applied },
    })),
  );
}

/** Does the work, and tells a refusal with the entries that it is about. */
export async function telling<T>(
  at: readonly Entry[],
  done: number,
  run: Run,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const refusal = at[0] ? await explained(error, at[0].namespace, run.deps) : error;
    throw refusal instanceof Failure ? told(refusal, at, done, run) : refusal;
  }
}

/** Names that one namespace may hold once, so that the second is told by its own place. */
export function refuseTwice(step: Step, names: Set<string>): void {
  for (const write of step.writes) {
    if (write.kind !== 'create') continue;
    const { unique } = resourceOf(write.resource);
    if (unique === undefined) continue;
    const value: unknown = Reflect.get(write.object, unique);
    const key = JSON.stringify([write.resource, value]);
    if (names.has(key)) {
      throw fail(
        'duplicate',
        `the import already holds a ${write.resource} with ${unique} \`${value}\`; keep one`,
        {
          attribute: unique,
          value,
        },
      );
    }
    names.add(key);
  }
}

/** Commits the steps of one namespace: in one transaction when they fit, else in as few as they need. */
export async function commit(steps: readonly Step[], run: Run): Promise<void> {
  let done = 0;
  const count = ({ outcome }: Step): void => {
    if (outcome !== 'leftOut') run.report[outcome] += 1;
  };
  for (const step of steps.filter(({ writes }) => writes.length === 0)) count(step);
  for (const chunk of chunks(steps.filter(({ writes }) => writes.length > 0))) {
    const entries = chunk.map(({ entry }) => entry);
    await telling(entries, done, run, () => run.deps.store.commit(chunk.flatMap(({ writes }) => writes)));
    for (const step of chunk) count(step);
    done += chunk.length;
  }
}

/** Applies what lives in one namespace. All of it is checked before the first object is written. */
export async function applyGroup(group: readonly Entry[], run: Run): Promise<void> {
  const steps: Step[] = [];
  const names = new Set<string>();
  for (const entry of group) {
    const step = await telling([entry], 0, run, () => stepOf(entry, run));
    await telling([entry], 0, run, async () => refuseTwice(step, names));
    steps.push(step);
  }
  await commit(steps, run);
}

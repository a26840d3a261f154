import { agreement } from '../../shared/core/agreement.ts';
import type { Change } from '../../shared/ports/change-feed.ts';
import type { Enforcer } from '../../shared/schema/enforcer.ts';
import type { DirectedTask } from '../../shared/schema/migration.ts';
import type { Deps } from '../deps.ts';
import { endTask, publicationOf } from '../upgrade.ts';

type ReportedDeps = Pick<Deps, 'store' | 'publications' | 'workflows'>;

/** The install that an enforcer is ordered, if any. */
const installOf = ({ resource, operation, after }: Change): [Enforcer, DirectedTask] | undefined => {
  if (resource !== 'enforcer' || operation !== 'update' || !after) return undefined;
  const enforcer = after as Enforcer;
  const task = enforcer.migration?.task;
  return task?.kind === 'install' ? [enforcer, task] : undefined;
};

/**
 * What the enforcer's own report makes of its install: done, when it was heard of since the order, with the wanted version
 * and an applied bundle that is not older than what was published then; failed, when an agent that registered since reports another version; otherwise nothing yet. What
 * is on record from before the order means nothing.
 */
function endingOf(
  { currentVersion, bundle, registrationTime = '', lastPokeTime = '', migration }: Enforcer,
  { version }: DirectedTask,
): { output: unknown } | { error: string; cause: string } | undefined {
  const since = migration?.directed ?? '9';
  if (lastPokeTime < since || bundle?.state !== 'applied') return undefined;
  if (bundle.revision < (migration?.revision ?? 0)) return undefined;
  if (currentVersion === version) return { output: {} };
  if (registrationTime < since) return undefined;
  return {
    error: 'WrongVersion',
    cause: `it came back with version ${currentVersion || 'unknown'}, not ${version}`,
  };
}

/** Its claim to enforce the bundle counts when the digest is that of what was published; until then the install goes on. */
async function isUnproven(
  { bundle, namespace }: Enforcer,
  ending: object,
  deps: ReportedDeps,
): Promise<boolean> {
  if (!('output' in ending) || !bundle) return false;
  return agreement(bundle, await publicationOf(namespace, deps)) !== 'agrees';
}

/** A host that is no enforcer any more carries nothing out: nobody waits for it. */
async function endDeleted({ before }: Change, deps: ReportedDeps): Promise<void> {
  const { namespace, migration } = before as Enforcer;
  if (!migration?.task) return;
  const ending = { error: 'Deleted', cause: 'the enforcer was deleted' };
  await endTask(namespace, migration.task.id, ending, deps);
}

/**
 * Pokes are what ends an install: the first one of the wanted version which tells of an applied bundle. A directive of an
 * enforcer that is deleted ends at once.
 */
export async function enforcerReported(changes: readonly Change[], deps: ReportedDeps): Promise<void> {
  for (const change of changes) {
    if (change.resource === 'enforcer' && change.operation === 'delete' && change.before) {
      await endDeleted(change, deps);
    }
  }
  // The last change of an enforcer says it all.
  const last = new Map<string, [Enforcer, DirectedTask]>();
  for (const change of changes) {
    const found = installOf(change);
    if (found) last.set(found[0].ID, found);
  }
  for (const [enforcer, task] of last.values()) {
    const ending = endingOf(enforcer, task);
    if (!ending || (await isUnproven(enforcer, ending, deps))) continue;
    await endTask(enforcer.namespace, task.id, ending, deps);
  }
}

import type { Execution } from '../../shared/ports/workflows.ts';
import { NamespacePath, ROOT } from '../../shared/schema/ids.ts';
import type { Namespace } from '../../shared/schema/namespace.ts';
import type { Deps } from '../deps.ts';
import { everyIn } from '../pipeline/authorize.ts';

/** Milliseconds in which the change feed starts the first execution. */
const FIRST = 10 * 60_000;

type StuckDeps = Pick<Deps, 'store' | 'clock' | 'log' | 'workflows'>;

/** Namespaces that are being removed, in every tenant; of what is removed below one only its topmost. */
async function purging({ store }: StuckDeps): Promise<Namespace[]> {
  const tenants = await everyIn(store, 'namespace', ROOT);
  const places = [ROOT, ...tenants.map(({ name }) => NamespacePath.parse(name))];
  const found = await Promise.all(places.map(path => store.findBy('namespace', path, 'deletion', 'Purging')));
  return found.flat();
}

/** The name of the execution that comes next, and what became of the one before; undefined while one is at work. */
async function nextOf({ ID }: Namespace, { workflows }: StuckDeps) {
  let before: Execution | undefined;
  for (let number = 0; ; number += 1) {
    const name = number === 0 ? ID : `${ID}-${number}`;
    const execution = await workflows.describe('delete-namespace', name);
    if (execution?.status === 'RUNNING') return undefined;
    if (!execution) return { name, before };
    before = execution;
  }
}

/**
 * On a schedule: begins anew the removal of namespaces whose workflow is over though something is left, since it failed or was ended from
 * outside. Both of its tasks read what is left, so that it goes on where the one before came to a halt.
 */
export async function takeUpDeletions(deps: StuckDeps): Promise<{ begun: number }> {
  const { clock, workflows, log } = deps;
  let begun = 0;
  for (const namespace of await purging(deps)) {
    const { ID, name: path, namespace: parent, updateTime } = namespace;
    if (clock.now().getTime() - Date.parse(updateTime) < FIRST) continue;
    const next = await nextOf(namespace, deps);
    if (!next) continue;
    const { started } = await workflows.start('delete-namespace', next.name, { parent, ID });
    if (!started) continue;
    begun += 1;
    const { status = 'never started', error, cause } = next.before ?? {};
    log.warn('the removal of a namespace is begun anew', { namespace: path, ID, status, error, cause });
  }
  return { begun };
}

import type { Change } from '../../shared/ports/change-feed.ts';
import type { Namespace } from '../../shared/schema/namespace.ts';
import type { Deps } from '../deps.ts';
import { startPurge } from '../purging.ts';

/** A namespace was deleted with all that is below it, which hid it: starts the workflow that removes it. */
export async function namespaceDeleted(
  changes: readonly Change[],
  deps: Pick<Deps, 'log' | 'workflows'>,
): Promise<void> {
  for (const { namespace, ID } of changes.flatMap(purging)) {
    await startPurge({ parent: namespace, ID }, deps);
  }
}

const purging = ({ resource, operation, after }: Change): Namespace[] => {
  if (resource !== 'namespace' || operation !== 'update' || !after) return [];
  const namespace = after as Namespace;
  return namespace.deletion === 'Purging' ? [namespace] : [];
};

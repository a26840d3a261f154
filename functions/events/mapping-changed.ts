import type { Change } from '../../shared/ports/change-feed.ts';
import type { NamespacePath } from '../../shared/schema/ids.ts';
import type { Deps } from '../deps.ts';

/** Of each namespace in which mappings were changed the last change, which gives the execution its name. */
function touchedBy(changes: readonly Change[]): Map<NamespacePath, string> {
  const touched = new Map<NamespacePath, string>();
  for (const { resource, before, after } of changes) {
    const object = after ?? before;
    if (resource !== 'namespacemappingpolicy' || !object) continue;
    const time = after ? Date.parse(after.updateTime) : 'gone';
    touched.set(object.namespace, `${object.ID}-${time}`);
  }
  return touched;
}

/**
 * A mapping came, went or changed: starts the workflow that moves the units whose way leads through its namespace to where they belong
 * now. A change that is told again starts nothing, or what finds nothing to move.
 */
export async function mappingChanged(
  changes: readonly Change[],
  { workflows, log }: Pick<Deps, 'workflows' | 'log'>,
): Promise<void> {
  for (const [namespace, name] of touchedBy(changes)) {
    const { started } = await workflows.start('move-units', name, { namespace });
    log.info(started ? 'moving units to where mappings lead them' : 'units were being moved before', {
      namespace,
      execution: name,
    });
  }
}

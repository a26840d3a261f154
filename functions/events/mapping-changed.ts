import { createHash } from 'node:crypto';
import { mappedPath } from '../../shared/core/mapping.ts';
import type { Change } from '../../shared/ports/change-feed.ts';
import { type NamespacePath, parentPath, ROOT } from '../../shared/schema/ids.ts';
import type { NamespaceMappingPolicy } from '../../shared/schema/namespacemappingpolicy.ts';
import type { Deps } from '../deps.ts';
import { everyIn } from '../pipeline/authorize.ts';

type MappingDeps = Pick<Deps, 'store' | 'workflows' | 'clock' | 'log'>;

/**
 * Milliseconds for which changes of a namespace's mappings share one execution. It begins at once, and makes its last pass when they
 * are over: so it heeds all of them.
 */
const SHARED = 10_000;

/** Where a mapping came, went or changed. */
const changedIn = (changes: readonly Change[]): NamespacePath[] =>
  changes.flatMap(({ resource, before, after }) => {
    const object = after ?? before;
    return resource === 'namespacemappingpolicy' && object ? [object.namespace] : [];
  });

const above = (path: NamespacePath): NamespacePath[] =>
  path === ROOT ? [] : [parentPath(path), ...above(parentPath(path))];

/** Where a mapping names a namespace that was not there before. One consistent read for each namespace above those that came. */
async function waitingIn(changes: readonly Change[], { store }: MappingDeps): Promise<NamespacePath[]> {
  const come = changes.flatMap(({ resource, operation, after }) =>
    resource === 'namespace' && operation === 'create' && after && 'name' in after
      ? [after.name as NamespacePath]
      : [],
  );
  const names = new Set(come);
  const leads = (policy: NamespaceMappingPolicy): boolean => {
    const to = mappedPath(policy);
    return to !== undefined && names.has(to);
  };
  const places = [...new Set(come.flatMap(above))];
  const found = await Promise.all(
    places.map(async place => (await everyIn(store, 'namespacemappingpolicy', place)).some(leads)),
  );
  return places.filter((_, at) => found[at]);
}

/**
 * A mapping came, went or changed, or a namespace came that one names: starts the workflow that moves the units whose way leads through
 * the mapping's namespace to where they belong now. A change that is told again starts nothing, or what finds nothing to move.
 */
export async function mappingChanged(changes: readonly Change[], deps: MappingDeps): Promise<void> {
  const { workflows, clock, log } = deps;
  const touched = new Set([...changedIn(changes), ...(await waitingIn(changes, deps))]);
  const turn = Math.floor(clock.now().getTime() / SHARED);
  for (const namespace of touched) {
    const execution = `${createHash('sha256').update(namespace).digest('hex').slice(0, 40)}-${turn}`;
    const until = new Date((turn + 1) * SHARED).toISOString();
    const { started } = await workflows.start('move-units', execution, { namespace, until });
    log.info(started ? 'moving units to where mappings lead them' : 'units are being moved already', {
      namespace,
      execution,
    });
  }
}

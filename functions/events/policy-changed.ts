import { isReport, type PolicyChange, reachedBy } from '../../shared/core/reach.ts';
import { isPolicyIdentity } from '../../shared/core/view.ts';
import type { Change } from '../../shared/ports/change-feed.ts';
import type { Publication } from '../../shared/ports/publications.ts';
import { type NamespacePath, parentPath, ROOT, tenantOf } from '../../shared/schema/ids.ts';
import type { Deps } from '../deps.ts';
import { everyPublication } from '../publish.ts';

/** The namespace in which a change counts: where its object lives; for a namespace object, the namespace itself. */
const placeOf = ({ resource, before, after }: Change): NamespacePath => {
  const object = after ?? before;
  if (!object) return ROOT;
  return resource === 'namespace' && 'name' in object ? (object.name as NamespacePath) : object.namespace;
};

const tenantsOf = (changes: readonly Change[]): NamespacePath[] =>
  [...new Set(changes.map(change => tenantOf(placeOf(change))))].sort();

/** Marks the namespace of each new enforcer: from then on it has a bundle. */
async function markFirst(
  changes: readonly Change[],
  deps: Pick<Deps, 'store' | 'publications'>,
): Promise<void> {
  const created = changes.filter(
    ({ resource, operation }) => resource === 'enforcer' && operation === 'create',
  );
  for (const path of new Set(created.map(placeOf))) {
    const namespace = await deps.store.getByName('namespace', parentPath(path), path);
    if (namespace) await deps.publications.mark(path, namespace.ID);
  }
}

const isPolicyChange = (change: Change): change is Change & PolicyChange =>
  isPolicyIdentity(change.resource) && !isReport(change);

/**
 * Whether changes of a tenant reach a publication. While one is waiting or being compiled, what its next bundle will
 * name is not known yet, so every change reaches it: equal payloads are not published twice, a missed one would be.
 */
function reaches(changes: readonly PolicyChange[], entry: Publication): boolean {
  if (entry.marked > entry.published) return changes.length > 0;
  const known = { path: entry.namespace, namespaces: entry.reaches, selectors: entry.selectors };
  return changes.some(change => reachedBy(change, [known]).length > 0);
}

/**
 * Marks the enforcer namespaces that committed changes can reach; each once, however many changes there are.
 * Marking again after a repeated delivery does no harm.
 */
export async function policyChanged(
  changes: readonly Change[],
  deps: Pick<Deps, 'store' | 'publications'>,
): Promise<void> {
  await markFirst(changes, deps);
  const policy = changes.filter(isPolicyChange);
  for (const tenant of tenantsOf(policy)) {
    // Objects of the root reach into every tenant.
    const of = policy.filter(change => tenant === tenantOf(placeOf(change)) || placeOf(change) === ROOT);
    const entries = tenant === ROOT ? await everyPublication(deps) : await deps.publications.list(tenant);
    for (const entry of entries) {
      if (reaches(of, entry)) await deps.publications.mark(entry.namespace, entry.namespaceID);
    }
  }
}

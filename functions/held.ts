import { heldGrants } from '../shared/core/authorize.ts';
import { restricted } from '../shared/core/restrictions.ts';
import type { Permissions } from '../shared/core/roles.ts';
import { lineage, type NamespacePath } from '../shared/schema/ids.ts';
import type { Call } from './call.ts';
import type { Deps } from './deps.ts';
import { everyIn } from './pipeline/authorize.ts';

/** API authorizations that can count in a namespace: its own and its ancestors'. */
export const authorizationsFor = async (namespace: NamespacePath, { store }: Pick<Deps, 'store'>) =>
  (await Promise.all(lineage(namespace).map(path => everyIn(store, 'apiauthorizationpolicy', path)))).flat();

/** What the caller holds in a namespace that is not the request's own. */
export async function heldIn(
  namespace: NamespacePath,
  { caller, standing, restrictions }: Call,
  deps: Pick<Deps, 'store' | 'clock'>,
): Promise<readonly Permissions[]> {
  const policies = await authorizationsFor(namespace, deps);
  const all = heldGrants(caller, standing, policies, namespace, deps.clock.now());
  return restricted(all, restrictions, namespace, caller).map(({ permissions }) => permissions);
}

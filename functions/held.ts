import { heldGrants } from '../shared/core/authorize.ts';
import { restricted } from '../shared/core/restrictions.ts';
import type { Permissions } from '../shared/core/roles.ts';
import type { NamespacePath } from '../shared/schema/ids.ts';
import { authorizationsFor } from './authorizations-for.ts';
import type { Call } from './call.ts';
import type { Deps } from './deps.ts';

/** What the caller holds in a namespace that is not the request's own. */
export async function heldIn(
  namespace: NamespacePath,
  { caller, standing, restrictions }: Call,
  deps: Pick<Deps, 'store' | 'clock'>,
): Promise<readonly Permissions[]> {
  const policies = await authorizationsFor(caller, namespace, deps);
  const all = heldGrants(caller, standing, policies, namespace, deps.clock.now());
  return restricted(all, restrictions, namespace, caller).map(({ permissions }) => permissions);
}

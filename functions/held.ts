import { heldGrants } from '../shared/core/authorize.ts';
import { restricted } from '../shared/core/restrictions.ts';
import { grants, type Permissions } from '../shared/core/roles.ts';
import { fail } from '../shared/schema/failure.ts';
import type { NamespacePath } from '../shared/schema/ids.ts';
import type { Identity } from '../shared/schema/resources.ts';
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

/** Whether the caller may get objects of a kind in the namespace of the request. */
export const maySee = (kind: Identity, { held }: Call): boolean =>
  held.some(permissions => grants(permissions, kind, 'get'));

/** An answer that shows one object is for whoever may get it. @throws `forbidden` */
export function refuseUnseen(kind: Identity, call: Call): void {
  if (maySee(kind, call)) return;
  throw fail(
    'forbidden',
    `you may not get ${kind} in ${call.namespace}; ask an administrator of it for a role that may`,
  );
}

/** What is said with an answer about objects of several kinds that leaves those out which the caller may not get. */
export const leftOut = (kinds: readonly Identity[], call: Call): string[] =>
  kinds
    .filter(kind => !maySee(kind, call))
    .map(kind => `without any ${kind}, because you may not get ${kind} in ${call.namespace}`);

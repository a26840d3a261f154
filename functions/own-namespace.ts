import { touch } from '../shared/core/object.ts';
import { grants } from '../shared/core/roles.ts';
import { fail } from '../shared/schema/failure.ts';
import { NamespacePath, parentPath } from '../shared/schema/ids.ts';
import type { Namespace } from '../shared/schema/namespace.ts';
import { activity } from './activity.ts';
import type { Call } from './call.ts';
import { refuseProtected } from './crud.ts';
import type { Deps } from './deps.ts';
import { heldIn } from './held.ts';

/** The namespace of the request. `what`: that which the root has not. */
export const ownNamespace = ({ lineage }: Call, what: string): Namespace => {
  const own = lineage.at(-1);
  if (own) return own;
  throw fail('bad_request', `the root has no ${what}; set X-Namespace to a namespace below`);
};

/**
 * Changes attributes of the namespace of the request. Its object lives in the parent, and so does the right to change it.
 *
 * @throws `forbidden`; `locked` when it is protected
 */
export async function changeOwnNamespace(
  own: Namespace,
  changed: Partial<Namespace>,
  call: Call,
  deps: Deps,
): Promise<Namespace> {
  const parent = parentPath(NamespacePath.parse(own.name));
  const held = await heldIn(parent, call, deps);
  if (!held.some(permissions => grants(permissions, 'namespace', 'put'))) {
    throw fail(
      'forbidden',
      `you may not put namespace in ${parent}, where ${own.name} lives; ask an administrator of it`,
    );
  }
  refuseProtected('namespace', own, call);
  const after = touch('namespace', { ...own, ...changed }, deps.clock.now());
  await deps.store.commit([
    { kind: 'update', resource: 'namespace', object: after, seen: own.updateTime },
    activity('namespace', 'update', { ...call, namespace: parent }, deps, { before: own, after }),
  ]);
  return after;
}

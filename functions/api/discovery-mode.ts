import type { DiscoveryMode } from '../../shared/api/access-messages.ts';
import { effectiveNamespace } from '../../shared/core/namespace.ts';
import { touch } from '../../shared/core/object.ts';
import { grants } from '../../shared/core/roles.ts';
import { fail } from '../../shared/schema/failure.ts';
import { NamespacePath, parentPath } from '../../shared/schema/ids.ts';
import type { Namespace } from '../../shared/schema/namespace.ts';
import type { Call, Handler } from '../call.ts';
import { activity } from '../crud.ts';
import { heldIn } from '../held.ts';

const DEPRECATED =
  'discoverymode is deprecated; set defaultPUIncomingTrafficAction and defaultPUOutgoingTrafficAction of the namespace';

const ownOf = ({ lineage }: Call): Namespace => {
  const own = lineage.at(-1);
  if (own) return own;
  throw fail('bad_request', 'the root has no discovery mode; set X-Namespace to a namespace below');
};

const shown = (own: Namespace, enabled: boolean): DiscoveryMode => ({
  ID: own.ID,
  namespace: NamespacePath.parse(own.name),
  enabled,
});

const getDiscoveryMode: Handler = async call => {
  const own = ownOf(call);
  const { incoming, outgoing } = effectiveNamespace(call.lineage);
  const enabled = incoming.value === 'Allow' && outgoing.value === 'Allow';
  return { body: [shown(own, enabled)], total: 1, messages: [DEPRECATED] };
};

/** The namespace object lives in the parent, and so does the right to change it. */
const switchTo =
  (action: 'Allow' | 'Reject'): Handler =>
  async (call, deps) => {
    const own = ownOf(call);
    const parent = parentPath(NamespacePath.parse(own.name));
    const held = await heldIn(parent, call, deps);
    if (!held.some(permissions => grants(permissions, 'namespace', 'put'))) {
      throw fail(
        'forbidden',
        `you may not put namespace in ${parent}, where ${own.name} lives; ask an administrator of it`,
      );
    }
    const changed = {
      ...own,
      defaultPUIncomingTrafficAction: action,
      defaultPUOutgoingTrafficAction: action,
    } as const;
    const after = touch('namespace', changed, deps.clock.now());
    await deps.store.commit([
      { kind: 'update', resource: 'namespace', object: after, seen: own.updateTime },
      activity('namespace', 'update', { ...call, namespace: parent }, deps, { before: own, after }),
    ]);
    return { body: shown(after, action === 'Allow'), messages: [DEPRECATED] };
  };

export const discoveryMode = {
  getDiscoveryMode,
  enableDiscoveryMode: switchTo('Allow'),
  disableDiscoveryMode: switchTo('Reject'),
};

import type { DiscoveryMode } from '../../shared/api/access-messages.ts';
import { effectiveNamespace } from '../../shared/core/namespace.ts';
import { NamespacePath } from '../../shared/schema/ids.ts';
import type { Namespace } from '../../shared/schema/namespace.ts';
import type { Call, Handler } from '../call.ts';
import { changeOwnNamespace, ownNamespace } from '../own-namespace.ts';

const DEPRECATED =
  'discoverymode is deprecated; set defaultPUIncomingTrafficAction and defaultPUOutgoingTrafficAction of the namespace';

const ownOf = (call: Call): Namespace => ownNamespace(call, 'discovery mode');

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

const switchTo =
  (action: 'Allow' | 'Reject'): Handler =>
  async (call, deps) => {
    const changed = { defaultPUIncomingTrafficAction: action, defaultPUOutgoingTrafficAction: action };
    const after = await changeOwnNamespace(ownOf(call), changed, call, deps);
    return { body: shown(after, action === 'Allow'), messages: [DEPRECATED] };
  };

export const discoveryMode = {
  getDiscoveryMode,
  enableDiscoveryMode: switchTo('Allow'),
  disableDiscoveryMode: switchTo('Reject'),
};

import type { DataPlane, HostPolicy, LocalUnit } from '../../../clients/enforcer/data-plane.ts';
import { openDataPlane } from '../../../clients/enforcer/nft/plane.ts';
import type { Host } from '../../../local/hosts/network.ts';
import { compile } from '../../../shared/core/compile.ts';
import type { PolicyView } from '../../../shared/core/view.ts';
import { PAYLOADS, type PayloadName } from '../../../shared/schema/bundle.ts';
import type { NamespacePath } from '../../../shared/schema/ids.ts';
import type { ProcessingUnit } from '../../../shared/schema/processingunit.ts';
import { pathOf } from '../../core/objects.ts';

/** The data plane of a test host. */
export const planeOf = (host: Host): DataPlane => openDataPlane({ command: [...host.enter, 'nft'] });

export const localUnit = (unit: ProcessingUnit & { namespace: string; ID: LocalUnit['ID'] }): LocalUnit => ({
  ID: unit.ID,
  namespace: pathOf(unit.namespace),
  tags: unit.normalizedTags as LocalUnit['tags'],
  addresses: unit.addresses,
  isHost: unit.type === 'Host',
});

/** What the enforcer of a namespace is told: the bundle that the view gives, and nothing out of the ordinary. */
export function hostPolicy(
  view: PolicyView,
  namespace: NamespacePath,
  rest: Partial<HostPolicy> & Pick<HostPolicy, 'units'>,
): HostPolicy {
  const { payloads, digests } = compile(view, namespace);
  const read = <N extends PayloadName>(name: N) =>
    PAYLOADS[name].parse(JSON.parse(Buffer.from(payloads[name]).toString()));
  return {
    payloads: {
      'directives.json': read('directives.json'),
      'peers.json': read('peers.json'),
      'policy.json': read('policy.json'),
    } as HostPolicy['payloads'],
    digests,
    names: new Map(),
    infrastructure: { controlPlane: [], resolvers: [] },
    layer3Only: false,
    lockdown: false,
    ...rest,
  };
}

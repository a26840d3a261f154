import type { HostPolicy } from '../../../clients/enforcer/data-plane.ts';
import type { HostPlan } from '../../../local/hosts/network.ts';
import { type Entry, make, makeNamespace, pathOf, viewOf } from '../../core/objects.ts';
import { hostPolicy, localUnit } from './plane.ts';

const PATH = pathOf('/node');

export const externalNetwork = (number: number, tag: string, ...entries: readonly string[]): Entry => ({
  identity: 'externalnetwork',
  object: make('externalnetwork', PATH, number, { entries, associatedTags: [tag] }),
});

/** Of units by their names. */
export const ruleset = (
  number: number,
  units: readonly string[],
  rules: { incomingRules?: readonly object[]; outgoingRules?: readonly object[] },
): Entry => ({
  identity: 'networkrulesetpolicy',
  object: make('networkrulesetpolicy', PATH, number, {
    subject: units.map(name => [`app=${name}`]),
    ...rules,
  }),
});

export const allow = (object: string, ...protocolPorts: readonly string[]) => ({
  action: 'Allow',
  object: [[object]],
  protocolPorts,
});

/**
 * What the enforcer of `node` is told, which decides for it and for the containers behind it: units with the tag `app=<name>`, in a
 * namespace of their own. Other hosts are nobody.
 */
export function nodePolicy(plans: readonly HostPlan[], entries: readonly Entry[]): HostPolicy {
  const units = plans
    .filter(({ name, behind }) => name === 'node' || behind === 'node')
    .map(({ name, addresses }, at) =>
      make('processingunit', PATH, 1 + at, {
        name,
        type: name === 'node' ? 'Host' : 'Docker',
        associatedTags: [`app=${name}`],
        addresses,
      }),
    );
  const all: Entry[] = [
    { identity: 'namespace', object: makeNamespace(PATH, 10) },
    ...units.map((object): Entry => ({ identity: 'processingunit', object })),
    ...entries,
  ];
  return hostPolicy(viewOf(all), PATH, { units: units.map(localUnit) });
}

import type { Flow, NetworkEnd, UnitEnd } from '../../../shared/core/decision.ts';
import type { Traffic } from '../../../shared/core/ports.ts';
import { carries, holds } from '../reference.ts';

/*
 * What network policies decided, as plainly as it can be said, sharing no code with what converts them or with what
 * evaluates rulesets. docs/decisions, "conversion of network policies", gives each rule and its reason.
 */

/** A network policy with every attribute said, in the namespace of that path. */
export interface Policy {
  namespace: string;
  name: string;
  action: 'Allow' | 'Reject' | 'Continue';
  applyPolicyMode: 'IncomingTraffic' | 'OutgoingTraffic' | 'Bidirectional';
  subject: string[][];
  object: string[][];
  ports: string[];
  negateSubject: boolean;
  negateObject: boolean;
  observationEnabled: boolean;
  observedTrafficAction: 'Apply' | 'Continue';
  activeSchedule: string;
  expirationTime: string;
  propagate: boolean;
  fallback: boolean;
  disabled: boolean;
}

export interface Network {
  namespace: string;
  name: string;
  entries: string[];
  servicePorts: string[];
  associatedTags: string[];
  propagate: boolean;
}

export interface LegacyTenant {
  policies: Policy[];
  networks: Network[];
  /** Of a namespace and direction. */
  default: (path: string, direction: 'incoming' | 'outgoing') => 'Allow' | 'Reject';
}

export interface LegacyAnswer {
  verdict: 'allow' | 'reject';
  /** Names of the policies that said so; none: it is the default action. */
  by: string[];
}

const has = (tags: readonly string[], wanted: string): boolean =>
  wanted.endsWith('*') ? tags.some(tag => tag.startsWith(wanted.slice(0, -1))) : tags.includes(wanted);

const selects = (clauses: string[][], negated: boolean, tags: readonly string[]): boolean =>
  clauses.some(clause => clause.length > 0 && clause.every(wanted => has(tags, wanted))) !== negated;

const applies = (object: { namespace: string; propagate: boolean }, path: string): boolean =>
  object.namespace === path || (object.propagate && `${path}/`.startsWith(`${object.namespace}/`));

const networkTags = ({ name, namespace, associatedTags }: Network): string[] => [
  '$identity=externalnetwork',
  `$name=${name}`,
  `$namespace=${namespace}`,
  ...associatedTags,
];

/** What one end's policies said. `isActive`: whether policies with a schedule or an expiry are in force. */
function side(
  tenant: LegacyTenant,
  direction: 'incoming' | 'outgoing',
  unit: UnitEnd,
  peer: UnitEnd | NetworkEnd,
  traffic: Traffic,
  isActive: boolean,
): LegacyAnswer {
  const path = unit.namespace;
  const networks = tenant.networks.filter(
    network => applies(network, path) && holds(network.entries, peer.address, peer.name),
  );
  const inForce = tenant.policies.filter(
    policy =>
      !policy.disabled &&
      applies(policy, path) &&
      (isActive || (policy.activeSchedule === '' && policy.expirationTime === '')),
  );
  const covers = (policy: Policy, end: 'incoming' | 'outgoing'): boolean =>
    end === 'incoming'
      ? policy.applyPolicyMode !== 'OutgoingTraffic' && selects(policy.object, policy.negateObject, unit.tags)
      : policy.applyPolicyMode !== 'IncomingTraffic' &&
        selects(policy.subject, policy.negateSubject, unit.tags);
  const resolved = inForce.filter(policy => covers(policy, 'incoming') || covers(policy, 'outgoing'));
  const firm = resolved.filter(policy => !policy.fallback);
  const matching = (firm.length > 0 ? firm : resolved).filter(policy => {
    if (!covers(policy, direction) || !carries(policy.ports, traffic)) return false;
    const names = (tags: readonly string[]): boolean =>
      direction === 'incoming'
        ? selects(policy.subject, policy.negateSubject, tags)
        : selects(policy.object, policy.negateObject, tags);
    if (peer.kind === 'processing unit' && names(peer.tags)) return true;
    return networks.some(network => names(networkTags(network)) && carries(network.servicePorts, traffic));
  });
  const said = (action: Policy['action'], observed: boolean): string[] =>
    matching
      .filter(
        policy =>
          policy.action === action &&
          policy.observationEnabled === observed &&
          (!observed || policy.observedTrafficAction === 'Apply'),
      )
      .map(({ name }) => name);
  for (const observed of [false, true])
    for (const action of ['Reject', 'Allow'] as const) {
      const by = said(action, observed);
      if (by.length > 0) return { verdict: action === 'Allow' ? 'allow' : 'reject', by };
    }
  return { verdict: tenant.default(path, direction) === 'Allow' ? 'allow' : 'reject', by: [] };
}

/** What each end that is a processing unit said. */
export function decideLegacy(
  tenant: LegacyTenant,
  { from, to, traffic }: Flow,
  isActive: boolean,
): { source?: LegacyAnswer; destination?: LegacyAnswer } {
  return {
    ...(from.kind === 'processing unit'
      ? { source: side(tenant, 'outgoing', from, to, traffic, isActive) }
      : {}),
    ...(to.kind === 'processing unit'
      ? { destination: side(tenant, 'incoming', to, from, traffic, isActive) }
      : {}),
  };
}

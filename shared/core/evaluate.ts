import { type BundleNamespace, PolicyPayload } from '../schema/bundle.ts';
import { type NamespacePath, tenantOf } from '../schema/ids.ts';
import { compilePolicy } from './compile.ts';
import type { Flow, FlowDecision, NetworkEnd, SideDecision, UnitEnd, Verdict } from './decision.ts';
import { type Deciding, modelFromPayload, type NamespacePolicy, type PolicyModel } from './policy.ts';
import type { Traffic } from './ports.ts';
import type { PolicyView } from './view.ts';

/**
 * What the policy of one end's namespace says of a flow: outgoing rules at its source, incoming ones at its
 * destination. This is what an enforcer decides alone. `peer.tags` are the peer's tags on the wire, as peers.json
 * has them.
 */
export function decide(
  policy: NamespacePolicy,
  side: 'source' | 'destination',
  unit: UnitEnd,
  peer: UnitEnd | NetworkEnd,
  traffic: Traffic,
): SideDecision {
  const direction = side === 'source' ? 'outgoing' : 'incoming';
  const { path } = policy.namespace;
  // Tags of other tenants' processing units are never seen.
  const isNeighbour = peer.kind === 'processing unit' && tenantOf(peer.namespace) === tenantOf(path);
  const seen = { tags: isNeighbour ? peer.tags : undefined, address: peer.address, names: namesOf(peer) };
  const { enforced, observed } = policy.decide(policy.wire(unit.tags), direction, seen, traffic);
  const decision = enforced
    ? byRule(enforced, side, path, traffic)
    : byDefault(policy.namespace[direction], side, path, traffic);
  if (observed)
    decision.observed = {
      verdict: verdictOf(observed.action),
      by: { rule: observed.rule, via: observed.via },
    };
  const unlisted = policy.unlisted(unit.tags);
  if (unlisted.length > 0) decision.unlisted = unlisted;
  return decision;
}

/** Every name that leads to an end: all of them together say which networks hold it, as on the host that looked them up. */
const namesOf = (end: UnitEnd | NetworkEnd): readonly string[] => [
  ...(end.name === undefined ? [] : [end.name]),
  ...('names' in end ? (end.names ?? []) : []),
];

type Side = SideDecision['side'];

const byRule = (
  { action, rule, via }: Deciding,
  side: Side,
  namespace: NamespacePath,
  traffic: Traffic,
): SideDecision => ({ verdict: verdictOf(action), by: { rule, via }, side, namespace, traffic });

const byDefault = (
  { action, namespace: setIn }: BundleNamespace['incoming'],
  side: Side,
  namespace: NamespacePath,
  traffic: Traffic,
): SideDecision =>
  action === 'Allow'
    ? { verdict: 'allow', by: { default: { action, namespace: setIn } }, side, namespace, traffic }
    : { verdict: 'reject', by: { default: { action, namespace: setIn } }, side, namespace, traffic };

const verdictOf = (action: 'Allow' | 'Reject'): Verdict => (action === 'Allow' ? 'allow' : 'reject');

const onTheWire = (end: UnitEnd | NetworkEnd, policy: NamespacePolicy | undefined): UnitEnd | NetworkEnd =>
  policy && end.kind === 'processing unit' && policy.namespace.tagPrefixEnforcement === 'Enforce'
    ? { ...end, tags: policy.wire(end.tags) }
    : end;

/**
 * Decides a flow. Each end that is a processing unit is decided by the policy of its own namespace, and both must
 * allow. `policyFor` gives a policy that covers a namespace.
 */
export function evaluate(flow: Flow, policyFor: (namespace: NamespacePath) => PolicyModel): FlowDecision {
  const { from, to, traffic } = flow;
  const policyOf = (end: UnitEnd | NetworkEnd) =>
    end.kind === 'processing unit' ? policyFor(end.namespace).at(end.namespace) : undefined;
  const fromPolicy = policyOf(from);
  const toPolicy = policyOf(to);
  const source =
    from.kind === 'processing unit' && fromPolicy
      ? decide(fromPolicy, 'source', from, onTheWire(to, toPolicy), traffic)
      : undefined;
  const destination =
    to.kind === 'processing unit' && toPolicy
      ? decide(toPolicy, 'destination', to, onTheWire(from, fromPolicy), traffic)
      : undefined;
  const verdict = source?.verdict === 'reject' || destination?.verdict === 'reject' ? 'reject' : 'allow';
  if (source) return destination ? { verdict, source, destination } : { verdict, source };
  if (destination) return { verdict, destination };
  throw new TypeError('a flow without a processing unit');
}

/** The policy payload of a namespace, as a bundle would carry it. Fails with `not_found` when there is none. */
export const payloadFromView = (view: PolicyView, path: NamespacePath): PolicyPayload =>
  PolicyPayload.parse(JSON.parse(compilePolicy(view, path).json));

/** Policies for `evaluate` from a view: through the payload, so that there is one way to read policy. */
export function policiesOf(view: PolicyView): (namespace: NamespacePath) => PolicyModel {
  let models = new Map<NamespacePath, PolicyModel>();
  let version = view.version;
  return namespace => {
    if (view.version !== version || models.size >= KEPT_MODELS) {
      models = new Map();
      version = view.version;
    }
    const known = models.get(namespace);
    if (known) return known;
    const made = modelFromPayload(payloadFromView(view, namespace));
    models.set(namespace, made);
    return made;
  };
}

const KEPT_MODELS = 256;

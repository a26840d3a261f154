import type {
  PolicyGraph,
  PolicyGraphRequest,
  PolicyRule,
  RenderedPolicy,
  RenderedPolicyRequest,
} from '../../shared/api/policy-messages.ts';
import { allowedTraffic, sideOf } from '../../shared/core/connectivity.ts';
import type { NamespacePolicy } from '../../shared/core/policy.ts';
import { type RenderedRule, renderedRules } from '../../shared/core/rendered.ts';
import { expressionMatches } from '../../shared/core/tags.ts';
import type { BundleExternalNetwork } from '../../shared/schema/bundle.ts';
import { fail } from '../../shared/schema/failure.ts';
import { isWithin, type NamespacePath, type ObjectId } from '../../shared/schema/ids.ts';
import type { ProcessingUnit } from '../../shared/schema/processingunit.ts';
import type { Tag } from '../../shared/schema/tag.ts';
import type { Call, Handler } from '../call.ts';
import type { Deps } from '../deps.ts';
import { leftOut, maySee, refuseUnseen } from '../held.ts';
import { everything } from '../list.ts';
import { brokenRules } from '../pipeline/problem.ts';
import { policyOf } from '../policy-of.ts';

const shownRule = (rule: RenderedRule): PolicyRule => ({
  ID: rule.rulesetID,
  name: rule.name,
  policyNamespace: rule.namespace,
  propagated: rule.propagated,
  relation: ['subject'],
  direction: rule.direction,
  index: rule.index,
  ruleName: rule.ruleName,
  action: rule.action,
  tagClauses: rule.object.map(clause => [...clause]),
  protocolPorts: [...rule.protocolPorts],
  externalNetworks: rule.networks.map(({ ID, name, namespace, entries }) => ({
    ID,
    name,
    namespace,
    entries: [...entries],
  })),
  observationEnabled: rule.observed,
  logsDisabled: !rule.logged,
});

function rendered(policy: NamespacePolicy, tags: readonly Tag[], id?: ObjectId): RenderedPolicy {
  const { incoming, outgoing } = policy.namespace;
  const wireTags = policy.wire(tags);
  return {
    ...(id === undefined ? {} : { processingUnitID: id }),
    processingUnitTags: [...tags],
    defaultPUIncomingTrafficAction: incoming.action,
    defaultPUOutgoingTrafficAction: outgoing.action,
    defaultActions: { incoming, outgoing },
    ruleSetPolicies: renderedRules(policy, tags).map(shownRule),
    matchingTags: wireTags.filter(tag => policy.selectsBy(wireTags, tag)),
    wireTags: [...wireTags],
    ignoredTags: [...policy.unlisted(tags)],
  };
}

/** Tags that every unit has once, and the API gives it. */
const OWN = /^\$(identity|namespace)=/;

/**
 * The tags of a unit that might be in the namespace, with what every unit carries. Whoever sends all tags of one sends these too; of
 * another namespace they would select what the unit would never get.
 *
 * @throws `invalid` for a unit of another namespace, or what is none. `path`: where the tags stand in the body
 */
export function unitTags(tags: readonly Tag[], namespace: NamespacePath, path: readonly string[]): Tag[] {
  const own = ['$identity=processingunit', `$namespace=${namespace}`] as Tag[];
  const issues = tags.flatMap((tag, at) =>
    OWN.test(tag) && !own.includes(tag)
      ? [
          {
            path: [...path, at],
            input: tag,
            message: `a processing unit here has ${own.join(' and ')}; leave it out, or ask in the namespace where the unit lives`,
          },
        ]
      : [],
  );
  if (issues.length > 0) throw brokenRules(issues);
  return [...new Set([...tags, ...own])];
}

async function unitOf(id: ObjectId, namespace: NamespacePath, call: Call, { store }: Pick<Deps, 'store'>) {
  refuseUnseen('processingunit', call);
  const unit = await store.get({ resource: 'processingunit', namespace, id });
  if (unit) return unit;
  throw fail('not_found', `no processing unit with the ID \`${id}\` in ${namespace}`);
}

const renderPolicy: Handler = async (call, deps) => {
  const { processingUnitTags, processingUnit: asked } = call.body as RenderedPolicyRequest;
  const namespace = asked?.namespace ?? call.namespace;
  if (!isWithin(namespace, call.namespace)) {
    const message = `it must be ${call.namespace}, the namespace of the request, or one below`;
    throw brokenRules([{ path: ['processingUnit', 'namespace'], input: namespace, message }]);
  }
  const [unit, { policy }] = await Promise.all([
    asked?.ID === undefined ? undefined : unitOf(asked.ID, namespace, call, deps),
    policyOf(namespace, deps),
  ]);
  const tags = unit?.normalizedTags ?? [
    ...new Set([
      ...unitTags(processingUnitTags, namespace, ['processingUnitTags']),
      ...unitTags(asked?.associatedTags ?? [], namespace, ['processingUnit', 'associatedTags']),
    ]),
  ];
  return { body: rendered(policy, tags, unit?.ID) };
};

const listUnitRenderedPolicies: Handler = async (call, deps) => {
  const unit = call.target as ProcessingUnit | undefined;
  if (!unit) {
    throw fail('not_found', `no processingunit with the ID \`${call.params.id}\` in ${call.namespace}`);
  }
  refuseUnseen('processingunit', call);
  const { policy } = await policyOf(call.namespace, deps);
  return { body: [rendered(policy, unit.normalizedTags, unit.ID)], total: 1 };
};

const ASKED = 'PUIdentity';

type Node = PolicyGraph['dependencyMap']['nodes'][string];
type Edge = PolicyGraph['dependencyMap']['edges'][string];

const edge = (source: Node, destination: Node, protocolPorts: string[]): Edge[] =>
  protocolPorts.length === 0
    ? []
    : [
        {
          ID: `${source.ID}-${destination.ID}`,
          sourceID: source.ID,
          sourceType: source.type,
          destinationID: destination.ID,
          destinationType: destination.type,
          protocolPorts,
        },
      ];

const networkNode = ({ ID, name, namespace, tags }: BundleExternalNetwork): Node => ({
  ID,
  name,
  namespace,
  type: 'ExternalNetwork',
  tags: [...tags],
});

const unitNode = ({ ID, name, namespace, normalizedTags }: ProcessingUnit): Node => ({
  ID,
  name,
  namespace,
  type: 'ProcessingUnit',
  tags: normalizedTags,
});

/** Edges with one unit: each of the two decides by the policy of its own namespace. */
function edgesWith(me: Node, mine: NamespacePolicy, peer: Node, theirs: NamespacePolicy): Edge[] {
  const [myWire, theirWire] = [mine.wire(me.tags), theirs.wire(peer.tags)];
  const [asPeer, toPeer] = [theirs.clauses(myWire), mine.clauses(theirWire)];
  const out = [sideOf(mine, 'outgoing', me.tags, toPeer), sideOf(theirs, 'incoming', peer.tags, asPeer)];
  const back = [sideOf(theirs, 'outgoing', peer.tags, asPeer), sideOf(mine, 'incoming', me.tags, toPeer)];
  return [...edge(me, peer, allowedTraffic(out)), ...edge(peer, me, allowedTraffic(back))];
}

/**
 * Whom a processing unit with these tags could talk to, of the units of the namespace and the external networks that
 * its rules can name. A unit's addresses are not looked at: networks that hold them may allow more, or reject it. What
 * the caller may not get is left out.
 */
const graphPolicy: Handler = async (call, deps) => {
  const { PUIdentity, recursive, selectors } = call.body as PolicyGraphRequest;
  const { namespace } = call;
  const me: Node = {
    ID: ASKED,
    name: '',
    namespace,
    type: 'ProcessingUnit',
    tags: unitTags(PUIdentity, namespace, ['PUIdentity']),
  };
  const [units, { policy: mine }] = await Promise.all([
    maySee('processingunit', call) ? peersIn(call, recursive, deps) : [],
    policyOf(namespace, deps),
  ]);
  const peers = units.filter(
    unit => selectors.length === 0 || expressionMatches(selectors, unit.normalizedTags),
  );
  const policies = new Map([[namespace, mine]]);
  for (const path of new Set(peers.map(unit => unit.namespace))) {
    if (!policies.has(path)) policies.set(path, (await policyOf(path, deps)).policy);
  }
  const named = new Set(renderedRules(mine, me.tags).flatMap(rule => rule.networks.map(({ ID }) => ID)));
  const networks = maySee('externalnetwork', call)
    ? mine.networks.filter(({ network }) => named.has(network.ID))
    : [];
  const nodes = [me, ...peers.map(unitNode), ...networks.map(({ network }) => networkNode(network))];
  const edges = [
    ...peers.flatMap(unit => edgesWith(me, mine, unitNode(unit), policies.get(unit.namespace) ?? mine)),
    ...networks.flatMap(({ network, clauses }) => [
      ...edge(me, networkNode(network), allowedTraffic([sideOf(mine, 'outgoing', me.tags, clauses)])),
      ...edge(networkNode(network), me, allowedTraffic([sideOf(mine, 'incoming', me.tags, clauses)])),
    ]),
  ];
  const byID = <T extends { ID: string }>(list: readonly T[]) =>
    Object.fromEntries(list.map(one => [one.ID, one]));
  const dependencyMap = { nodes: byID(nodes), edges: byID(edges) };
  return {
    body: { PUIdentity, recursive, selectors, dependencyMap } satisfies PolicyGraph,
    messages: leftOut(['processingunit', 'externalnetwork'], call),
  };
};

/** Peers of a graph at most: each has an edge either way. */
const MOST_PEERS = 5000;

async function peersIn(call: Call, recursive: boolean, deps: Deps): Promise<ProcessingUnit[]> {
  const units = await everything(
    'processingunit',
    { ...call, query: recursive ? { recursive: ['true'] } : {} },
    deps,
  );
  if (units.length <= MOST_PEERS) return units;
  throw fail(
    'too_large',
    `${units.length} processing units are more than the ${MOST_PEERS} of one graph; ask in a namespace below`,
  );
}

export const rendering = { renderPolicy, listUnitRenderedPolicies, graphPolicy };

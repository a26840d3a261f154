import type { DecisionAnswer, DecisionRequest } from '../../shared/api/messages.ts';
import type { NetworkEnd, SideDecision, UnitEnd } from '../../shared/core/decision.ts';
import { decide } from '../../shared/core/evaluate.ts';
import { describeSide } from '../../shared/core/explain.ts';
import { readTraffic } from '../../shared/core/traffic.ts';
import type { Publication } from '../../shared/ports/publications.ts';
import { cidrKey, parseAddress } from '../../shared/schema/cidr.ts';
import { fail } from '../../shared/schema/failure.ts';
import { isWithin, type NamespacePath, tenantOf } from '../../shared/schema/ids.ts';
import type { Call, Handler } from '../call.ts';
import type { Deps } from '../deps.ts';
import { everyBelow } from '../list.ts';
import { type Held, policyOf } from '../policy-of.ts';
import { unitTags } from './rendered.ts';

type End = DecisionRequest['source'];

/** A namespace that an end names: the request's own or one below, where the caller's rights reach. */
function namespaceOf(named: NamespacePath | undefined, call: Call): NamespacePath {
  const namespace = named ?? call.namespace;
  if (isWithin(namespace, call.namespace)) return namespace;
  throw fail('forbidden', `${namespace} is not in ${call.namespace}; ask in a namespace above both ends`);
}

/**
 * The unit that has an address, of those that the request can see. Units of one address are a tenant in motion: the one
 * that was registered last counts. Terminated ones have given theirs up.
 */
async function unitAt(
  address: string,
  call: Call,
  { store }: Pick<Deps, 'store'>,
): Promise<UnitEnd | undefined> {
  const wanted = addressKey(address);
  const units = await everyBelow(store, 'processingunit', call.namespace);
  const unit = units
    .filter(({ operationalStatus }) => operationalStatus !== 'Terminated')
    .filter(({ addresses }) => addresses.some(one => addressKey(one) === wanted))
    .sort((a, b) => (a.ID < b.ID ? -1 : 1))
    .at(-1);
  if (!unit) return undefined;
  return { kind: 'processing unit', namespace: unit.namespace, tags: unit.normalizedTags, address };
}

/** The same text for the same address, whatever was written. */
const addressKey = (text: string): string => {
  const parsed = parseAddress(text);
  return parsed ? cidrKey(parsed) : text;
};

async function endOf(end: End, call: Call, { store }: Pick<Deps, 'store'>): Promise<UnitEnd | NetworkEnd> {
  if ('tags' in end) {
    const { tags, address } = end;
    const namespace = namespaceOf(end.namespace, call);
    return {
      kind: 'processing unit',
      namespace,
      tags: unitTags(tags, namespace),
      ...(address === undefined ? {} : { address }),
    };
  }
  if (!('processingUnit' in end)) {
    const { address, name } = end;
    const named = name === undefined ? {} : { name };
    const unit = await unitAt(address, call, { store });
    return { ...(unit ?? { kind: 'network', address }), ...named };
  }
  const namespace = namespaceOf(end.namespace, call);
  const unit = await store.get({ resource: 'processingunit', namespace, id: end.processingUnit });
  if (!unit)
    throw fail('not_found', `no processing unit with the ID \`${end.processingUnit}\` in ${namespace}`);
  const address = end.address ?? unit.addresses[0];
  return {
    kind: 'processing unit',
    namespace,
    tags: unit.normalizedTags,
    ...(address === undefined ? {} : { address }),
  };
}

/**
 * The other end as that enforcer sees it: an address is the processing unit that it knows there, and of a processing
 * unit's tags it sees those that its own namespace lets onto the wire.
 */
async function seen(
  end: UnitEnd | NetworkEnd,
  by: Held,
  policies: (namespace: NamespacePath) => Promise<Held>,
) {
  if (end.kind === 'processing unit') {
    const { policy } = await policies(end.namespace);
    return { ...end, tags: policy.wire(end.tags) };
  }
  const peer = end.address === undefined ? undefined : by.peerAt(end.address);
  if (!peer) return end;
  // It decides too, by a policy that the caller may not see; half an answer would be a wrong one.
  throw fail(
    'forbidden',
    `${end.address} is a processing unit in ${peer.namespace}, which is not in the namespace of the request; ask in a namespace above both ends`,
  );
}

const bundlesWith = (publications: readonly Publication[], namespace: NamespacePath) =>
  publications
    .filter(({ reaches, revision }) => revision > 0 && reaches.includes(namespace))
    .map(entry => ({ namespace: entry.namespace, revision: entry.revision }));

const shown = (
  decision: SideDecision,
  publications: readonly Publication[],
): DecisionAnswer['sides'][number] => ({
  side: decision.side,
  verdict: decision.verdict,
  namespace: decision.namespace,
  reason: describeSide(decision),
  by: 'rule' in decision.by ? { rule: decision.by.rule, via: { ...decision.by.via } } : decision.by,
  ...(decision.observed
    ? {
        observed: {
          verdict: decision.observed.verdict,
          by: { rule: decision.observed.by.rule, via: { ...decision.observed.by.via } },
        },
      }
    : {}),
  ignoredTags: [...(decision.unlisted ?? [])],
  bundles: bundlesWith(publications, decision.namespace),
});

/** Decides as the enforcers do, by the policy as it is now, which the bundles named may not carry yet. */
export const decideFlow: Handler = async (call, deps) => {
  const { source, destination, protocolPort } = call.body as DecisionRequest;
  const traffic = readTraffic(protocolPort, "Attribute 'protocolPort'");
  const [from, to] = await Promise.all([endOf(source, call, deps), endOf(destination, call, deps)]);
  const publications = await deps.publications.list(tenantOf(call.namespace));
  const loaded = new Map<NamespacePath, Promise<Held>>();
  const policies = (namespace: NamespacePath): Promise<Held> => {
    const known = loaded.get(namespace) ?? policyOf(namespace, deps);
    loaded.set(namespace, known);
    return known;
  };
  const decided = async (
    side: 'source' | 'destination',
    own: UnitEnd | NetworkEnd,
    other: UnitEnd | NetworkEnd,
  ) => {
    if (own.kind !== 'processing unit') return [];
    const by = await policies(own.namespace);
    return [shown(decide(by.policy, side, own, await seen(other, by, policies), traffic), publications)];
  };
  const sides = (await Promise.all([decided('source', from, to), decided('destination', to, from)])).flat();
  if (sides.length === 0) {
    throw fail(
      'invalid',
      'neither end is a processing unit, so nobody decides; name one by its ID or by tags',
    );
  }
  const verdict = sides.some(side => side.verdict === 'reject') ? 'reject' : 'allow';
  return { body: { verdict, sides } satisfies DecisionAnswer };
};

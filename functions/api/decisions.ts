import type { DecisionAnswer, DecisionRequest } from '../../shared/api/messages.ts';
import type { ByRule, NetworkEnd, SideDecision, UnitEnd } from '../../shared/core/decision.ts';
import { decide } from '../../shared/core/evaluate.ts';
import { describeSide } from '../../shared/core/explain.ts';
import { prefixOf } from '../../shared/core/lint.ts';
import { readTraffic } from '../../shared/core/traffic.ts';
import type { Publication } from '../../shared/ports/publications.ts';
import { canonicalAddress } from '../../shared/schema/cidr.ts';
import { fail } from '../../shared/schema/failure.ts';
import { isWithin, type NamespacePath, type ObjectId, tenantOf } from '../../shared/schema/ids.ts';
import type { ProcessingUnit } from '../../shared/schema/processingunit.ts';
import type { Call, Handler } from '../call.ts';
import type { Deps } from '../deps.ts';
import { type Held, policyAbout } from '../policy-of.ts';
import { once } from '../reading-once.ts';
import { unitTags } from './rendered.ts';

type Side = DecisionAnswer['sides'][number];
type End = DecisionRequest['source'];

/** A namespace that an end names: the request's own or one below, where the caller's rights reach. */
function namespaceOf(named: NamespacePath | undefined, call: Call): NamespacePath {
  const namespace = named ?? call.namespace;
  if (isWithin(namespace, call.namespace)) return namespace;
  throw fail('forbidden', `${namespace} is not in ${call.namespace}; ask in a namespace above both ends`);
}

const unitEnd = ({ namespace, normalizedTags: tags }: ProcessingUnit, address?: string): UnitEnd => ({
  kind: 'processing unit',
  namespace,
  tags,
  ...(address === undefined ? {} : { address }),
});

/** An end, and the units that have its address where that alone says who it is. */
interface Found {
  end: UnitEnd | NetworkEnd;
  units: readonly ProcessingUnit[];
}

/**
 * Who has an address in the tenant of the other end. Units of one address are a tenant in motion: the one that was
 * registered last counts. Terminated ones have given theirs up.
 */
async function unitsAt(address: string, other: End, call: Call, { store }: Deps): Promise<ProcessingUnit[]> {
  const { namespace = call.namespace } = other as { namespace?: NamespacePath };
  const found = await store.findBy('processingunit', tenantOf(namespace), 'addresses', address);
  return found
    .filter(({ operationalStatus }) => operationalStatus !== 'Terminated')
    .sort((a, b) => (a.ID < b.ID ? -1 : 1));
}

/** An end as it was sent; `other` is the other one. */
async function endOf(name: string, end: End, other: End, call: Call, deps: Deps): Promise<Found> {
  const alone = (found: UnitEnd | NetworkEnd): Found => ({ end: found, units: [] });
  if ('tags' in end) {
    const namespace = namespaceOf(end.namespace, call);
    const tags = unitTags(end.tags, namespace, [name, 'tags']);
    const { address } = end;
    return alone({ kind: 'processing unit', namespace, tags, ...(address === undefined ? {} : { address }) });
  }
  if ('processingUnit' in end) {
    const namespace = namespaceOf(end.namespace, call);
    const id = end.processingUnit;
    const unit = await deps.store.get({ resource: 'processingunit', namespace, id });
    if (!unit) throw fail('not_found', `no processing unit with the ID \`${id}\` in ${namespace}`);
    return alone(unitEnd(unit, end.address ?? unit.addresses[0]));
  }
  if (!('address' in end)) return alone({ kind: 'network', name: end.name });
  const address = canonicalAddress(end.address);
  const units = await unitsAt(address, other, call, deps);
  const named = {
    ...(end.name === undefined ? {} : { name: end.name }),
    ...(end.names === undefined ? {} : { names: end.names }),
  };
  const visible = units.findLast(unit => isWithin(unit.namespace, call.namespace));
  if (visible) return alone({ ...unitEnd(visible, address), ...named });
  return { end: { kind: 'network', address, ...named }, units };
}

/**
 * The other end as that enforcer sees it: an address is the processing unit that it knows there, and of a processing
 * unit's tags it sees those that its own namespace lets onto the wire.
 */
async function seen({ end }: Found, by: Held, policies: (namespace: NamespacePath) => Promise<Held>) {
  if (end.kind === 'processing unit') {
    const { policy } = await policies(end.namespace);
    return { ...end, tags: policy.wire(end.tags) };
  }
  const [peer] = by.identities;
  if (!peer) return end;
  // It decides too, by a policy that the caller may not see; half an answer would be a wrong one.
  throw fail(
    'forbidden',
    `${end.address} is a processing unit in ${peer.namespace}, which is not in the namespace of the request; ask in a namespace above both ends`,
  );
}

/** What a decision is made of: each thing read once, and as soon as it is known that it will be needed. */
function readings(call: Call, deps: Deps) {
  const held = once<Promise<Held>>();
  const published = once<Promise<Publication | undefined>>();
  const begun = <T>(reading: Promise<T>): void => void reading.catch(() => undefined);
  const readAbout = (namespace: NamespacePath, strangers: readonly ProcessingUnit[]) =>
    held(`${namespace} ${strangers.length}`, () => policyAbout(namespace, strangers, deps));
  const publication = (ID: ObjectId, namespace: NamespacePath) =>
    published(ID, () => deps.publications.get(tenantOf(namespace), ID));
  return {
    policyAbout: readAbout,
    /** Begins with what the request alone says: the policies of ends that it places, and the bundles above them. */
    begin(ends: readonly End[]): void {
      for (const end of ends) {
        if ('tags' in end || 'processingUnit' in end) begun(readAbout(namespaceOf(end.namespace, call), []));
      }
      for (const { ID } of call.lineage) begun(publication(ID, call.namespace));
    },
    /** The bundles that carry a namespace's policy: its own, and those above whose processing units can be mapped to it. */
    async bundlesWith(namespace: NamespacePath, { IDs }: Held) {
      const entries = await Promise.all(IDs.map(ID => publication(ID, namespace)));
      return entries
        .filter(entry => entry !== undefined)
        .filter(({ reaches, revision }) => revision > 0 && reaches.includes(namespace))
        .map(entry => ({ namespace: entry.namespace, revision: entry.revision }));
    },
  };
}

const shownBy = ({ rule, via }: ByRule) => ({ rule, via: { ...via, clause: [...via.clause] } });

const shown = (decision: SideDecision, { enforcedIn }: Held): Omit<Side, 'bundles'> => ({
  side: decision.side,
  verdict: decision.verdict,
  namespace: decision.namespace,
  reason: describeSide(decision),
  by: 'rule' in decision.by ? shownBy(decision.by) : decision.by,
  ...(decision.observed
    ? { observed: { verdict: decision.observed.verdict, by: shownBy(decision.observed.by) } }
    : {}),
  ignoredTags: (decision.unlisted ?? []).map(tag => ({
    tag,
    namespace: enforcedIn,
    prefix: prefixOf(tag),
    reason: `no tag prefix of ${decision.namespace} lists it, and ${enforcedIn} has them enforced`,
  })),
});

/** Decides as the enforcers do, by the policy as it is now, which the bundles named may not carry yet. */
export const decideFlow: Handler = async (call, deps) => {
  const { source, destination, protocolPort } = call.body as DecisionRequest;
  const traffic = readTraffic(protocolPort, "Attribute 'protocolPort'");
  const read = readings(call, deps);
  read.begin([source, destination]);
  const [from, to] = await Promise.all([
    endOf('source', source, destination, call, deps),
    endOf('destination', destination, source, call, deps),
  ]);
  const strangers = [...from.units, ...to.units];
  const policies = (namespace: NamespacePath): Promise<Held> => read.policyAbout(namespace, strangers);
  const decided = async (side: Side['side'], { end: own }: Found, other: Found): Promise<Side[]> => {
    if (own.kind !== 'processing unit') return [];
    const by = await policies(own.namespace);
    const [peer, bundles] = await Promise.all([
      seen(other, by, policies),
      read.bundlesWith(own.namespace, by),
    ]);
    return [{ ...shown(decide(by.policy, side, own, peer, traffic), by), bundles }];
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

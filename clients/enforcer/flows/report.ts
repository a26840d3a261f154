import { NetworkIndex } from '../../../shared/core/cidr.ts';
import type { UnitEnd } from '../../../shared/core/decision.ts';
import { decide } from '../../../shared/core/evaluate.ts';
import type { PolicyModel } from '../../../shared/core/policy.ts';
import type { Payloads } from '../../../shared/schema/bundle.ts';
import { DEFAULT_POLICY } from '../../../shared/schema/flowreport.ts';
import type { NamespacePath } from '../../../shared/schema/ids.ts';
import { homeOf, type KnownUnit } from '../agent/host-policy.ts';
import { isHost } from '../agent/units.ts';
import { type HostPolicy, LOG_PREFIX, type Meaning } from '../data-plane.ts';
import { namesAt } from '../names/at.ts';
import { sharedModel } from '../policy/shared-model.ts';
import type { Conversation } from './packet.ts';
import type { Sighting } from './table.ts';
import { Whereabouts } from './whereabouts.ts';

type EndType = 'ProcessingUnit' | 'ExternalNetwork';
type Action = 'Accept' | 'Reject';

/** A flow as the original reported it. `value`: how many connections it stands for. */
export interface FlowReport {
  /** Its own, so that one that arrives twice counts once. */
  ID: string;
  action: Action;
  observedAction: Action | 'NotApplicable';
  sourceID: string;
  sourceIP: string;
  sourceName?: string;
  sourceType: EndType;
  destinationID: string;
  destinationIP: string;
  destinationName?: string;
  destinationFQDN?: string;
  destinationPort?: number;
  destinationType: EndType;
  protocol: number;
  encrypted: boolean;
  observedEncrypted: boolean;
  policyID: string;
  policyNamespace: string;
  ruleName: string;
  observed: boolean;
  observedPolicyID?: string;
  observedPolicyNamespace?: string;
  dropReason?: string;
  observedDropReason?: string;
  serviceType: 'L3' | 'TCP' | 'NotApplicable';
  enforcerID: string;
  namespace: string;
  remoteNamespace?: string;
  reporter: 'Source' | 'Destination';
  timestamp: string;
  value: number;
}

/** What is nobody's: no processing unit and no external network has the address. */
export const SOMEWHERE = 'somewhere';

interface End {
  ID: string;
  type: EndType;
  /** Unknown of peers elsewhere, whose names no bundle tells. */
  name?: string;
  namespace?: NamespacePath;
}

/** Who is at an address: for one bundle and the units of this host. */
export class Directory {
  readonly #payloads: Payloads;
  readonly #model: PolicyModel;
  readonly #units: readonly KnownUnit[];
  readonly #peers: Whereabouts;
  readonly #networks: NetworkIndex;
  readonly #names: HostPolicy['names'];

  /** `peers`: of the directory before, which goes on from there. */
  constructor(
    payloads: Payloads,
    units: readonly KnownUnit[],
    names: HostPolicy['names'] = new Map(),
    peers = new Whereabouts(),
  ) {
    this.#payloads = payloads;
    this.#names = names;
    this.#model = sharedModel(payloads['policy.json']);
    this.#units = units;
    this.#networks = new NetworkIndex(payloads['policy.json'].externalNetworks.map(({ entries }) => entries));
    this.#peers = peers;
    peers.follow(payloads['peers.json']);
  }

  /** The unit of this host that a flow is reported for: the one that the rules tell, or whose address it is. */
  own(address: string, unit: string | undefined): KnownUnit | undefined {
    if (unit !== undefined) return this.#units.find(({ ID }) => ID === unit);
    const owner = this.#units.find(one => !isHost(one) && one.addresses.includes(address));
    return owner ?? this.#units.find(isHost);
  }

  namespaceOf(unit: KnownUnit): NamespacePath {
    return homeOf(unit, this.#payloads);
  }

  /** The other end: a processing unit, the external network by which a rule named it, any that holds it, or nobody. */
  peer(own: KnownUnit, direction: Meaning['direction'], { source, destination, traffic }: Conversation): End {
    const address = direction === 'incoming' ? source : destination;
    const local = this.#units.find(one => one !== own && one.addresses.includes(address));
    if (local) {
      const { ID, name } = local;
      return { ID, name, type: 'ProcessingUnit', namespace: this.namespaceOf(local) };
    }
    const peer = this.#peers.find(address);
    if (peer) return { ID: peer.ID, type: 'ProcessingUnit', namespace: peer.namespace };
    const namespace = this.namespaceOf(own);
    const side = direction === 'incoming' ? 'destination' : 'source';
    const end: UnitEnd = { kind: 'processing unit', namespace, tags: own.normalizedTags };
    const policy = this.#model.at(namespace);
    const names = this.names(address);
    const { by: reason } = decide(policy, side, end, { kind: 'network', address, names }, traffic);
    if ('via' in reason && reason.via.kind === 'external network')
      return { ID: reason.via.ID, name: reason.via.name, type: 'ExternalNetwork' };
    const [match] = this.#networks.find(address, ...names);
    const network = match && this.#payloads['policy.json'].externalNetworks[match.network];
    if (!network) return { ID: SOMEWHERE, type: 'ExternalNetwork' };
    return { ID: network.ID, name: network.name, type: 'ExternalNetwork' };
  }

  /** DNS names of external networks that lead to the address. */
  names(address: string): string[] {
    return namesAt(this.#names, address);
  }
}

const actionOf = (verdict: 'allow' | 'reject'): Action => (verdict === 'allow' ? 'Accept' : 'Reject');

/**
 * The report of what was sighted, from the point of view of this host's end. Undefined when its rule is long gone, or
 * this host has no unit at either end.
 */
export function reportOf(
  { prefix, conversation, count, at }: Sighting,
  meaningOf: (id: string) => Meaning | undefined,
  directory: Directory,
  { ID, enforcerID }: Pick<FlowReport, 'ID' | 'enforcerID'>,
): FlowReport | undefined {
  const meaning = meaningOf(LOG_PREFIX.exec(prefix)?.[2] ?? '');
  if (!meaning) return undefined;
  const { direction, verdict, rule, namespace, observed } = meaning;
  const { source, destination, traffic } = conversation;
  const incoming = direction === 'incoming';
  const own = directory.own(incoming ? destination : source, meaning.unit);
  if (!own) return undefined;
  const mine: End = { ID: own.ID, name: own.name, type: 'ProcessingUnit' };
  const peer = directory.peer(own, direction, conversation);
  const [from, to] = incoming ? [peer, mine] : [mine, peer];
  const [fqdn] = incoming ? [] : directory.names(destination);
  return {
    ID,
    action: actionOf(verdict),
    observedAction: observed ? actionOf(observed.verdict) : 'NotApplicable',
    observed: observed !== undefined,
    ...(observed
      ? { observedPolicyID: observed.rule.rulesetID, observedPolicyNamespace: observed.rule.namespace }
      : {}),
    ...(observed?.verdict === 'reject' ? { observedDropReason: 'policy' } : {}),
    // What is enforced here changes no packet.
    encrypted: false,
    observedEncrypted: false,
    sourceID: from.ID,
    sourceIP: source,
    ...(from.name === undefined ? {} : { sourceName: from.name }),
    sourceType: from.type,
    destinationID: to.ID,
    destinationIP: destination,
    ...(to.name === undefined ? {} : { destinationName: to.name }),
    ...(fqdn === undefined ? {} : { destinationFQDN: fqdn }),
    destinationType: to.type,
    ...(traffic.kind === 'ports' ? { destinationPort: traffic.port } : {}),
    protocol: traffic.protocol,
    policyID: rule?.rulesetID ?? DEFAULT_POLICY,
    policyNamespace: namespace,
    ruleName: rule?.ruleName ?? '',
    ...(verdict === 'reject' ? { dropReason: 'policy' } : {}),
    serviceType: 'L3',
    enforcerID,
    namespace: directory.namespaceOf(own),
    ...(peer.namespace === undefined ? {} : { remoteNamespace: peer.namespace }),
    reporter: incoming ? 'Destination' : 'Source',
    timestamp: new Date(at).toISOString(),
    value: count,
  };
}

import { type PortSet, parseProtocolPorts } from '../../schema/protocol-ports.ts';
import { canonicalPorts, intersectPorts, printPorts } from '../ports.ts';
import {
  type Clause,
  canSelectPeers,
  canSelectUnits,
  leastClauses,
  onlyNetwork,
  onlyUnits,
  selectsNetwork,
} from './clauses.ts';
import type { Note } from './findings.ts';
import type { LegacyNetworks } from './networks.ts';
import { noteAlike, noteNothing, noteSplit, noteUnreadable } from './peer-findings.ts';
import type { LegacyNetwork, LegacyPolicy } from './read.ts';

/** One rule to be: whom it names, and the ports. */
export interface PeerRule {
  object: Clause[];
  ports: PortSet;
}

/** Ports with the text that equal ones have. */
interface Ports {
  set: PortSet;
  key: string;
}

const portsOf = (set: PortSet): Ports => ({ set, key: JSON.stringify(printPorts(canonicalPorts(set))) });

const isNothing = (ports: PortSet): boolean => ports !== 'any' && ports.length === 0;

const unionPorts = (a: PortSet, b: PortSet): PortSet =>
  a === 'any' || b === 'any' ? 'any' : canonicalPorts([...a, ...b]);

/**
 * The rules that name whom the clauses of a policy name, each with the ports that the policy has there. Rules know no
 * ports of networks, so a clause is split into its processing units and its networks, by name, where these differ.
 */
export function peerRules(
  policy: LegacyPolicy,
  clauses: readonly Clause[],
  networks: LegacyNetworks,
  note: Note,
): PeerRule[] {
  const ports = portsOf(parseProtocolPorts(policy.ports));
  // What cannot be read: nothing for an Allow and all for a Reject, so that the rule is never wider.
  const unread: PortSet = policy.action === 'Reject' ? ports.set : [];
  const rules = new Map<string, PeerRule>();
  const add = (clause: Clause, { set, key }: Ports): void => {
    const rule = rules.get(key) ?? { object: [], ports: set };
    rule.object.push(clause);
    rules.set(key, rule);
  };
  for (const clause of clauses.filter(canSelectPeers)) {
    const selected = networks.selectedBy(clause, policy);
    noteUnreadable(policy, clause, selected, note);
    const on = new Map(
      selected.map(network => [network, portsOf(networks.limit(network, ports.set) ?? unread)]),
    );
    if ([...on.values()].every(({ key }) => key === ports.key)) {
      add(clause, ports);
      continue;
    }
    if (canSelectUnits(clause)) add(onlyUnits(clause), ports);
    noteSplit(policy, clause, selected, note);
    networks.countClauses(on.size);
    for (const network of selected) {
      const bound = boundTo(network, policy, clause, on, networks, note);
      if (bound) add(bound.clause, bound.ports);
    }
  }
  return [...rules.values()].map(rule => ({ ...rule, object: leastClauses(rule.object) }));
}

/** A clause for one network, with its ports; undefined when there are none. */
function boundTo(
  network: LegacyNetwork,
  policy: LegacyPolicy,
  clause: Clause,
  on: ReadonlyMap<LegacyNetwork, Ports>,
  networks: LegacyNetworks,
  note: Note,
): { clause: Clause; ports: Ports } | undefined {
  const own = on.get(network);
  if (!own || isNothing(own.set)) {
    noteNothing(policy, network, clause, note);
    return undefined;
  }
  /** Ports of other networks that a clause selects too, where they differ. */
  const others = (bound: Clause): PortSet[] =>
    networks.likeNamed(network.name).flatMap(other => {
      const ports = on.get(other);
      return ports && ports.key !== own.key && selectsNetwork(bound, other) ? [ports.set] : [];
    });
  const byName = onlyNetwork(clause, network, false);
  if (others(byName).length === 0) return { clause: byName, ports: own };
  const exact = onlyNetwork(clause, network, true);
  const alike = others(exact);
  if (alike.length === 0) return { clause: exact, ports: own };
  noteAlike(policy, network, clause, alike.length + 1, note);
  const shared = alike.reduce(policy.action === 'Reject' ? unionPorts : intersectPorts, own.set);
  return isNothing(shared) ? undefined : { clause: exact, ports: portsOf(shared) };
}

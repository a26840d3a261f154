import type { PortSet } from '../../schema/protocol-ports.ts';
import { canonicalPorts, intersectPorts, printPorts } from '../ports.ts';
import {
  type Clause,
  canSelectPeers,
  canSelectUnits,
  distinct,
  onlyNetwork,
  onlyUnits,
  selectsNetwork,
} from './clauses.ts';
import type { Note } from './findings.ts';
import type { LegacyNetwork, LegacyPolicy } from './read.ts';

/** One rule to be: whom it names, and the ports. */
export interface PeerRule {
  object: Clause[];
  ports: PortSet;
}

const portsKey = (ports: PortSet): string => JSON.stringify(printPorts(canonicalPorts(ports)));

const isNothing = (ports: PortSet): boolean => ports !== 'any' && ports.length === 0;

const unionPorts = (a: PortSet, b: PortSet): PortSet =>
  a === 'any' || b === 'any' ? 'any' : canonicalPorts([...a, ...b]);

/**
 * The ports of a policy on a network: what both say. Where the network's cannot be read, an Allow gets none of them
 * and a Reject all, so that the rule is never wider.
 */
export function portsOn(network: LegacyNetwork, ports: PortSet, action: LegacyPolicy['action']): PortSet {
  if (network.limit !== undefined) return intersectPorts(ports, network.limit);
  return action === 'Reject' ? ports : [];
}

/**
 * The rules that name whom the clauses of a policy name, each with the ports that the policy has there. Rules know no
 * ports of networks, so a clause is split into its processing units and its networks, by name, where these differ.
 * `networks`: those that can be seen where the policy applies.
 */
export function peerRules(
  policy: LegacyPolicy,
  ports: PortSet,
  clauses: readonly Clause[],
  networks: readonly LegacyNetwork[],
  note: Note,
): PeerRule[] {
  const rules = new Map<string, PeerRule>();
  const add = (object: Clause, on: PortSet): void => {
    const rule = rules.get(portsKey(on)) ?? { object: [], ports: on };
    rules.set(portsKey(on), { ...rule, object: distinct([...rule.object, object]) });
  };
  const all = portsKey(ports);
  for (const clause of clauses.filter(canSelectPeers)) {
    const selected = networks.filter(network => selectsNetwork(clause, network));
    const on = new Map(selected.map(network => [network, portsOn(network, ports, policy.action)]));
    if ([...on.values()].every(own => portsKey(own) === all)) {
      add(clause, ports);
      continue;
    }
    if (canSelectUnits(clause)) add(onlyUnits(clause), ports);
    for (const [network, own] of splitByNetwork(policy, clause, on, note)) add(network, own);
  }
  return [...rules.values()];
}

/** One clause for each network that shares a port with the policy. */
function splitByNetwork(
  policy: LegacyPolicy,
  clause: Clause,
  on: ReadonlyMap<LegacyNetwork, PortSet>,
  note: Note,
): [Clause, PortSet][] {
  const names = [...on.keys()].map(({ name }) => `\`${name}\``).join(', ');
  const text = `[${clause.join(', ')}]`;
  note(
    'bound-by-name',
    'same',
    policy,
    `${text} selects ${names}, whose ports differ from the policy's; the rules name them one by one, so add a rule for each network that gets these tags later`,
  );
  return [...on].flatMap(([network, own]): [Clause, PortSet][] => {
    if (isNothing(own)) {
      noteNothing(policy, network, text, note);
      return [];
    }
    const byName = onlyNetwork(clause, network, false);
    if (alike(byName, on, own).length === 0) return [[byName, own]];
    const exact = onlyNetwork(clause, network, true);
    const others = alike(exact, on, own);
    if (others.length === 0) return [[exact, own]];
    const shared = others
      .map(([, ports]) => ports)
      .reduce(policy.action === 'Reject' ? unionPorts : intersectPorts, own);
    note(
      'alike-networks',
      'narrower',
      policy,
      `${text} selects ${others.length + 1} networks \`${network.name}\` with other ports each and nothing to tell them apart; the rule ${policy.action === 'Reject' ? 'rejects what any of them has' : 'allows what all of them have'}; give them different names and convert again`,
    );
    return isNothing(shared) ? [] : [[exact, shared]];
  });
}

/** Other networks that the clause selects too, with other ports than `own`. */
const alike = (
  clause: Clause,
  on: ReadonlyMap<LegacyNetwork, PortSet>,
  own: PortSet,
): [LegacyNetwork, PortSet][] =>
  [...on].filter(([other, ports]) => portsKey(ports) !== portsKey(own) && selectsNetwork(clause, other));

function noteNothing(policy: LegacyPolicy, network: LegacyNetwork, text: string, note: Note): void {
  if (network.limit === undefined) {
    note(
      'unreadable-ports',
      'narrower',
      policy,
      `${text} selects \`${network.name}\`, whose ports cannot be read; nothing is allowed there, write a rule for it`,
    );
    return;
  }
  note(
    'no-common-ports',
    'same',
    policy,
    `${text} selects \`${network.name}\` with ${printPorts(network.limit).join(', ')}, none of which the policy has; it never decided there, and no rule says so`,
  );
}

import { parseAddress } from '../../schema/cidr.ts';
import { servicesInFull } from '../../schema/hostservice.ts';
import { parseProtocolPorts } from '../../schema/protocol-ports.ts';
import type { Identity } from '../../schema/resources.ts';
import { intersectPorts, printPorts } from '../ports.ts';
import type { Named, Note } from './findings.ts';
import type { LegacyNetworks } from './networks.ts';
import { relativePath } from './place.ts';
import { type LegacyPolicy, readNetwork } from './read.ts';

type Fields = Record<string, unknown>;

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');

const named = (identity: Identity, { name, namespace }: Fields): Named => ({
  identity,
  name: textOf(name),
  namespace: relativePath(textOf(namespace)),
});

/** An external network without ports; nothing else changes. */
export function cleanNetwork(object: Fields, at: string, note: Note): Fields {
  const network = readNetwork(object, at, false);
  for (const entry of network.entries.filter(text => parseAddress(text) !== undefined))
    note(
      'bare-address',
      'same',
      network,
      `entry \`${entry}\` has no length and is that one host; write \`${entry}/${entry.includes(':') ? 128 : 32}\` to say so`,
    );
  const { servicePorts: _, ports: __, protocols: ___, ...rest } = object;
  return rest;
}

/** A policy of an ancestor is converted with the ancestor's export, which does not show the ports of networks here. */
export function noteAbove(policy: LegacyPolicy, networks: LegacyNetworks, note: Note): void {
  if (policy.disabled || policy.action === 'Continue') return;
  const ports = parseProtocolPorts(policy.ports);
  const whole = String(printPorts(intersectPorts(ports, 'any')));
  for (const clause of [...policy.subject, ...policy.object]) {
    const limited = networks.selectedBy(clause, policy).filter(network => {
      const common = networks.limit(network, ports);
      return !network.above && String(common && printPorts(common)) !== whole;
    });
    networks.countClauses(limited.length);
    for (const network of limited)
      note(
        'policy-above',
        'open',
        network,
        `policy \`${policy.name}\` of an ancestor selects it, and its ports \`${printPorts(network.limit ?? []).join(', ')}\` limited that policy here; convert both in one export, with this network's namespace below`,
      );
  }
}

const isEnforcer = (clause: unknown): boolean =>
  Array.isArray(clause) && clause.includes('$identity=enforcer');

/** The mapping without clauses for enforcers; none when no other is left. */
export function cleanMapping(object: Fields, note: Note): Fields[] {
  const subject = Array.isArray(object.subject) ? object.subject : [];
  if (!subject.some(isEnforcer)) return [object];
  const rest = subject.filter(clause => !isEnforcer(clause));
  note(
    'enforcer-mapping',
    'same',
    named('namespacemappingpolicy', object),
    `it maps enforcers to \`${textOf(object.mappedNamespace)}\`, which no longer happens; install the enforcer there. ${rest.length > 0 ? 'Its other clauses are kept' : 'It is left out'}`,
  );
  return rest.length > 0 ? [{ ...object, subject: rest }] : [];
}

export function noteHostService(object: Fields, note: Note): void {
  const services = Array.isArray(object.services) ? servicesInFull(object.services.map(String)) : [];
  const ports = services.length > 0 ? `protocolPorts ${JSON.stringify(services)}` : 'protocolPorts ["any"]';
  note(
    'host-service',
    'same',
    named('hostservice', object),
    `it is left out; in the host's namespace write a ruleset with subject [["$type=Host"]] and an incoming rule with ${ports}${object.hostModeEnabled === true ? '; host mode needs nothing, every host is protected' : ''}`,
  );
}

export const noteHostServiceMapping = (object: Fields, note: Note): void =>
  note(
    'host-service',
    'same',
    named('hostservicemappingpolicy', object),
    'it is left out; the subject of a ruleset for the hosts takes its place',
  );

import type { ImportFinding } from '../../shared/api/messages.ts';
import type { Write } from '../../shared/ports/object-store.ts';
import { AuthorizedIdentity } from '../../shared/schema/apiauthorizationpolicy.ts';
import { isInert, namedBy } from '../api/access.ts';
import type { Entry } from './entries.ts';

/** What an import does with an entry in which something no longer has an effect. */
export interface Settled {
  /** As it is applied; undefined when it is left out. */
  entry: Entry | undefined;
  /** Ports of an external network, which are kept as they are and mean nothing. */
  servicePorts?: string[];
  findings: ImportFinding[];
}

const isTexts = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every(text => typeof text === 'string');

const asList = (value: unknown): unknown[] => (Array.isArray(value) ? value : [value]);

const finding = ({ at, fields }: Entry, message: string): ImportFinding => ({
  at: `data.${at}`,
  name: typeof fields.name === 'string' ? fields.name : '',
  message,
});

/** Ports as the original's first releases wrote them, as parallel lists. They have no place any more. */
const OLDEST = ['ports', 'protocols'];

function network(entry: Entry): Settled {
  const { servicePorts, ...others } = entry.fields;
  const oldest = OLDEST.filter(name => asList(others[name] ?? []).length > 0);
  const fields = Object.fromEntries(Object.entries(others).filter(([name]) => !OLDEST.includes(name)));
  const lost = oldest.map(name =>
    finding(
      entry,
      `${name} was left out: ports no longer belong to external networks; put them into the rule that selects it, as protocolPorts`,
    ),
  );
  if (!isTexts(servicePorts) || servicePorts.length === 0) {
    // What is no list of texts is left as it is, for the create to refuse.
    const same = servicePorts === undefined ? fields : { ...fields, servicePorts };
    return { entry: { ...entry, fields: same }, findings: lost };
  }
  const kept = finding(
    entry,
    `servicePorts ${servicePorts.join(', ')} is kept and has no effect; put it into the rule that selects the network: protocolPorts: ${JSON.stringify(servicePorts)}`,
  );
  // The emptied attribute lets an update pass over ports that an earlier import kept.
  return {
    entry: { ...entry, fields: { ...fields, servicePorts: [] } },
    servicePorts,
    findings: [kept, ...lost],
  };
}

/** Roles and identities that the original had: they are kept, and grant nothing. */
const inert = (entry: Entry): ImportFinding[] =>
  asList(entry.fields.authorizedIdentities)
    .filter(each => typeof each === 'string' && AuthorizedIdentity.safeParse(each).success && isInert(each))
    .map(each =>
      finding(entry, `${each} is kept and grants nothing: there is no such ${namedBy(String(each))} here`),
    );

const mapsEnforcers = (subject: unknown): boolean =>
  Array.isArray(subject) && subject.flat().includes('$identity=enforcer');

export function settle(entry: Entry): Settled {
  if (entry.identity === 'externalnetwork') return network(entry);
  if (entry.identity === 'namespacemappingpolicy' && mapsEnforcers(entry.fields.subject)) {
    const message =
      'it was left out: enforcers are no longer mapped; install each in the namespace that it belongs to';
    return { entry: undefined, findings: [finding(entry, message)] };
  }
  if (entry.identity === 'apiauthorizationpolicy') return { entry, findings: inert(entry) };
  return { entry, findings: [] };
}

/** Puts the ports into the network that is about to be stored; the API itself takes none. */
export const withPorts = (writes: readonly Write[], servicePorts: string[] | undefined): Write[] =>
  writes.map(write =>
    servicePorts &&
    (write.kind === 'create' || write.kind === 'update') &&
    write.resource === 'externalnetwork'
      ? { ...write, object: { ...write.object, servicePorts } }
      : write,
  );

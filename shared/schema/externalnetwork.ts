import { z } from 'zod';
import { firstPorts } from './first-ports.ts';
import { NetworkEntries } from './network-entry.ts';
import { ProtocolPorts } from './protocol-ports.ts';
import { Archived, Description, Name, Propagate, resource } from './resource.ts';

const servicePorts =
  'Legacy and without effect: ports live in rules. API writes are refused unless it is empty; imports keep it.';

/** The rule that says what ports of an external network said; an example where they said nothing that can be read. */
const inRule = (ports: unknown): string => {
  const read = ProtocolPorts.safeParse(ports);
  const text = read.success && read.data.length > 0 ? JSON.stringify(read.data) : '["tcp/443"]';
  return `ports no longer belong to external networks; put them into the rule that selects it: protocolPorts: ${text}`;
};

const defined = resource({
  identity: 'externalnetwork',
  plural: 'externalnetworks',
  aliases: ['extnet', 'extnets'],
  group: 'policies',
  summary: 'Addresses and names outside, which rules select by its tags',
  defaultOrder: 'name',
  inheritsOrganization: true,
  older: { attributes: ['ports', 'protocols'], instead: fields => inRule(firstPorts(fields)) },
  imported: ['servicePorts'],
  readOnly: {},
  createOnly: {},
  writable: {
    name: Name,
    description: Description,
    entries: NetworkEntries.describe('CIDRs, `!` CIDRs and DNS names; at least one.'),
    type: z
      .enum(['ENI', 'RDSCluster', 'RDSInstance', 'SecurityGroup', 'Subnet'])
      .default('Subnet')
      .describe('What it stands for at a cloud provider; for people.'),
    propagate: Propagate,
    archived: Archived,
    servicePorts: z
      .array(z.string())
      .max(0, { error: issue => inRule(issue.input) })
      .default([])
      .describe(servicePorts),
  },
});

export const externalnetwork = {
  ...defined,
  stored: defined.stored.extend({ servicePorts: z.array(z.string()).default([]).describe(servicePorts) }),
};
export type ExternalNetwork = z.infer<typeof externalnetwork.stored>;

import { z } from 'zod';
import { NetworkEntries } from './network-entry.ts';
import { Archived, Description, Name, Propagate, resource } from './resource.ts';

const servicePorts =
  'Legacy and without effect: ports live in rules. API writes are refused unless it is empty; imports keep it.';

const defined = resource({
  identity: 'externalnetwork',
  plural: 'externalnetworks',
  aliases: ['extnet', 'extnets'],
  group: 'policies',
  summary: 'Addresses and names outside, which rules select by its tags',
  defaultOrder: 'name',
  inheritsOrganization: true,
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
      .max(
        0,
        'ports no longer belong to external networks; put them into the rule that selects it: protocolPorts: ["tcp/443"]',
      )
      .default([])
      .describe(servicePorts),
  },
});

export const externalnetwork = {
  ...defined,
  stored: defined.stored.extend({ servicePorts: z.array(z.string()).default([]).describe(servicePorts) }),
};
export type ExternalNetwork = z.infer<typeof externalnetwork.stored>;

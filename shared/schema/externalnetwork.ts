import { z } from 'zod';
import { NetworkEntries } from './network-entry.ts';
import { Description, Name, resource } from './resource.ts';

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
    /** CIDRs, `!` CIDRs and DNS names; at least one. */
    entries: NetworkEntries,
    type: z.enum(['ENI', 'RDSCluster', 'RDSInstance', 'SecurityGroup', 'Subnet']).default('Subnet'),
    propagate: z.boolean().default(false),
    archived: z.boolean().default(false),
    /** Legacy and without effect: ports live in rules. Refused in API writes when not empty; imports keep them. */
    servicePorts: z
      .array(z.string())
      .max(
        0,
        'ports no longer belong to external networks; put them into the rule that selects it: protocolPorts: ["tcp/443"]',
      )
      .default([]),
  },
});

export const externalnetwork = {
  ...defined,
  stored: defined.stored.extend({ servicePorts: z.array(z.string()).default([]) }),
};
export type ExternalNetwork = z.infer<typeof externalnetwork.stored>;

import { z } from 'zod';
import { NamespacePath, ObjectId, Timestamp } from './ids.ts';
import { NetworkServices, networkServicesIssues } from './network-services.ts';
import { Description, MOST_ELEMENTS, Name, resource } from './resource.ts';

export const ProcessingUnitType = z.enum([
  'APIGateway',
  'Docker',
  'Host',
  'HostService',
  'LinuxService',
  'WindowsService',
  'RKT',
  'User',
  'SSHSession',
]);

export const processingunit = resource({
  identity: 'processingunit',
  plural: 'processingunits',
  aliases: ['pu', 'pus'],
  group: 'enforcers',
  summary: 'A host, container or process whose traffic is decided by its tags',
  refs: ['enforcerID'],
  elementRefs: ['addresses'],
  defaultOrder: 'name',
  inheritsOrganization: true,
  older: {
    attributes: ['image'],
    instead: ({ image }) => `a processing unit may have several; write images: ${JSON.stringify([image])}`,
  },
  readOnly: {
    unreachable: z.boolean().default(false).describe('Its enforcer was not heard of.'),
    lastSyncTime: Timestamp.optional().describe('When its enforcer last told of it.'),
    vulnerabilityLevel: z.string().default('').describe('Kept for clients of the original: always empty.'),
  },
  createOnly: {
    type: ProcessingUnitType.describe('What kind of workload it is.'),
    images: z.array(z.string()).default([]).describe('Container images that it runs.'),
    nativeContextID: z
      .string()
      .max(256)
      .default('')
      .describe('ID at the host, such as that of the container.'),
  },
  writable: {
    name: Name,
    description: Description,
    enforcerID: z
      .union([z.literal(''), ObjectId])
      .default('')
      .describe('ID of the enforcer that watches over it.'),
    enforcerNamespace: z
      .union([z.literal(''), NamespacePath])
      .default('')
      .describe('Namespace of that enforcer.'),
    operationalStatus: z
      .enum(['Initialized', 'Paused', 'Running', 'Stopped', 'Terminated'])
      .default('Initialized')
      .describe('What the enforcer says of the workload.'),
    enforcementStatus: z
      .enum(['Inactive', 'Active', 'Failed'])
      .default('Inactive')
      .describe('What the enforcer says of its data plane.'),
    clientLocalID: z.string().max(256).default('').describe('ID that the enforcer gave it.'),
    datapathType: z
      .enum(['Aporeto', 'EnvoyAuthorizer'])
      .default('Aporeto')
      .describe('Kept for clients of the original.'),
    networkServices: NetworkServices.describe('Ports that it listens on; none of a protocol twice.'),
    addresses: z
      .array(z.union([z.ipv4(), z.ipv6()], 'must be a single address, such as 10.0.0.7 or 2001:db8::7'))
      .max(MOST_ELEMENTS)
      .default([])
      .describe(
        `Single addresses under which peers see it, ${MOST_ELEMENTS} at most. Ours: the original learned them in the data plane.`,
      ),
    tracing: z.record(z.string(), z.unknown()).default({}).describe('Kept for clients of the original.'),
    collectInfo: z.boolean().default(false).describe('Asks the enforcer for `collectedInfo`.'),
    collectedInfo: z
      .record(z.string(), z.string())
      .default({})
      .describe('What the enforcer found out about it.'),
    lastCollectionTime: Timestamp.optional().describe('When it did.'),
    lastLocalTimestamp: Timestamp.optional().describe("What the enforcer's clock said."),
    controller: z.string().default('').describe('Kept for clients of the original.'),
  },
  rules: ({ networkServices }) => networkServicesIssues(networkServices),
});
export type ProcessingUnit = z.infer<typeof processingunit.stored>;

import { z } from 'zod';
import { NamespacePath, ObjectId, Timestamp } from './ids.ts';
import { Description, Name, resource } from './resource.ts';

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
  defaultOrder: 'name',
  inheritsOrganization: true,
  readOnly: { unreachable: z.boolean().default(false), lastSyncTime: Timestamp.optional() },
  createOnly: {
    type: ProcessingUnitType,
    images: z.array(z.string()).default([]),
    nativeContextID: z.string().max(256).default(''),
  },
  writable: {
    name: Name,
    description: Description,
    enforcerID: z.union([z.literal(''), ObjectId]).default(''),
    enforcerNamespace: z.union([z.literal(''), NamespacePath]).default(''),
    operationalStatus: z
      .enum(['Initialized', 'Paused', 'Running', 'Stopped', 'Terminated'])
      .default('Initialized'),
    enforcementStatus: z.enum(['Inactive', 'Active', 'Failed']).default('Inactive'),
    clientLocalID: z.string().max(256).default(''),
    datapathType: z.enum(['Aporeto', 'EnvoyAuthorizer']).default('Aporeto'),
    networkServices: z
      .array(
        z.strictObject({ protocol: z.int().min(0).max(255), targetPorts: z.array(z.string()).default([]) }),
      )
      .default([]),
    /** Single addresses under which peers see it. Ours: the original learned them in the data plane. */
    addresses: z.array(z.union([z.ipv4(), z.ipv6()])).default([]),
    tracing: z.record(z.string(), z.unknown()).default({}),
    collectInfo: z.boolean().default(false),
    collectedInfo: z.record(z.string(), z.string()).default({}),
  },
});
export type ProcessingUnit = z.infer<typeof processingunit.stored>;

import { z } from 'zod';
import { NamespacePath } from './ids.ts';
import { TrafficAction } from './namespace.ts';
import { Description, resource } from './resource.ts';

/** A namespace segment: what the account's name and ID are made into. */
const Segment = z
  .string()
  .regex(/^[a-zA-Z0-9-_]+$/, 'may hold letters, digits, - and _ only')
  .min(1)
  .max(128);

export const cloudaccount = resource({
  identity: 'cloudaccount',
  plural: 'cloudaccounts',
  aliases: [],
  group: 'namespaces',
  summary: 'A cloud account that was onboarded: its namespaces are made by a workflow',
  unique: 'accountID',
  defaultOrder: 'name',
  refs: ['accountID'],
  readOnly: {
    /** Where the onboarding workflow stands. */
    status: z.enum(['Pending', 'Onboarding', 'Ready', 'Failed']).default('Pending'),
    /** Why it failed, with the step; empty otherwise. */
    statusReason: z.string().default(''),
    /** The account's namespace, once it exists. */
    accountNamespace: z.union([z.literal(''), NamespacePath]).default(''),
  },
  createOnly: {
    name: Segment,
    accountID: Segment,
    provider: z.enum(['aws', 'azure', 'gcp']),
    /** 18-digit ID of the tenant; its namespace is `/<prismaID>`. May be left out inside the tenant. */
    prismaID: z.union([z.literal(''), Segment]).default(''),
    /** Mode of the account's namespace: `Allow` is discovery, so that onboarding breaks no traffic. */
    defaultPUIncomingTrafficAction: TrafficAction.default('Allow'),
    defaultPUOutgoingTrafficAction: TrafficAction.default('Allow'),
  },
  writable: { description: Description },
});
export type CloudAccount = z.infer<typeof cloudaccount.stored>;

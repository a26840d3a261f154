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
    status: z
      .enum(['Pending', 'Onboarding', 'Ready', 'Failed'])
      .default('Pending')
      .describe('Where the onboarding workflow stands.'),
    statusReason: z.string().default('').describe('Why it failed, with the step; empty otherwise.'),
    accountNamespace: z
      .union([z.literal(''), NamespacePath])
      .default('')
      .describe("The account's namespace, once it exists."),
  },
  createOnly: {
    name: Segment.describe('Friendly name; with the account ID the name of its namespace.'),
    accountID: Segment.describe('ID of the account at its provider.'),
    provider: z.enum(['aws', 'azure', 'gcp']).describe('Cloud that the account is in.'),
    prismaID: z
      .union([z.literal(''), Segment])
      .default('')
      .describe(
        '18-digit ID of the tenant; its namespace is `/<prismaID>`. May be left out inside the tenant.',
      ),
    defaultPUIncomingTrafficAction: TrafficAction.default('Allow').describe(
      "Mode of the account's namespace: `Allow` is discovery, so that onboarding breaks no traffic.",
    ),
    defaultPUOutgoingTrafficAction: TrafficAction.default('Allow').describe('The same for outgoing traffic.'),
  },
  writable: { description: Description },
});
export type CloudAccount = z.infer<typeof cloudaccount.stored>;

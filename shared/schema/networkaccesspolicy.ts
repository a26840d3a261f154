import { z } from 'zod';
import { Timestamp } from './ids.ts';
import { ProtocolPorts } from './protocol-ports.ts';
import { Description, Disabled, Fallback, Name, Propagate, resource } from './resource.ts';
import { ActiveDuration } from './schedule.ts';
import { TagExpression } from './tag.ts';

/** What a `NetworkAccessPolicy` says of traffic, as it was written before rulesets. core/convert reads it too. */
export const networkAccess = {
  action: z.enum(['Allow', 'Reject', 'Continue']).default('Allow').describe('`Continue`: decides nothing.'),
  applyPolicyMode: z
    .enum(['IncomingTraffic', 'OutgoingTraffic', 'Bidirectional'])
    .default('Bidirectional')
    .describe("At which end it applies: at the object's, at the subject's, or at both."),
  subject: TagExpression.describe('Who starts the connection: processing units and external networks.'),
  object: TagExpression.describe('Who receives it: processing units and external networks.'),
  ports: ProtocolPorts.default([]).describe('Empty means any.'),
  logsEnabled: z.boolean().default(false).describe('Flows are logged.'),
  observationEnabled: z.boolean().default(false).describe('Reported, not decisive.'),
  observedTrafficAction: z
    .enum(['Apply', 'Continue'])
    .default('Continue')
    .describe('With `observationEnabled`: whether its action still decides when no other policy does.'),
  negateSubject: z.boolean().default(false).describe('Selects what the subject does not.'),
  negateObject: z.boolean().default(false).describe('Selects what the object does not.'),
  encryptionEnabled: z.boolean().default(false).describe('Kept for clients of the original.'),
  activeSchedule: z.string().max(256).default('').describe('Cron expression; empty: always.'),
  activeDuration: ActiveDuration,
  propagate: Propagate,
  fallback: Fallback,
  disabled: Disabled,
};

export const networkaccesspolicy = resource({
  identity: 'networkaccesspolicy',
  plural: 'networkaccesspolicies',
  aliases: ['netpol', 'netpols'],
  group: 'legacy',
  summary:
    'Deprecated and without effect: the network policy of before, kept until it is converted to rulesets',
  defaultOrder: 'name',
  readOnly: {},
  createOnly: {},
  writable: {
    name: Name,
    description: Description,
    ...networkAccess,
    expirationTime: Timestamp.optional().describe('From then on it counts for nothing; absent: never.'),
  },
});
export type NetworkAccessPolicy = z.infer<typeof networkaccesspolicy.stored>;

import { z } from 'zod';
import { Timestamp } from './ids.ts';
import { ProtocolPorts } from './protocol-ports.ts';
import { Description, Name, resource } from './resource.ts';
import { TagExpression } from './tag.ts';

/** How long each run of an `activeSchedule` lasts, such as `12h`. Source: the original's attribute definition. */
export const ActiveDuration = z
  .string()
  .regex(/^([0-9]+[smh])?$/, 'must be a whole number of seconds, minutes or hours, such as 12h')
  .default('');

/** What a `NetworkAccessPolicy` says of traffic, as it was written before rulesets. core/convert reads it too. */
export const networkAccess = {
  /** `Continue`: decides nothing. */
  action: z.enum(['Allow', 'Reject', 'Continue']).default('Allow'),
  /** At which end it applies: at the object's, at the subject's, or at both. */
  applyPolicyMode: z.enum(['IncomingTraffic', 'OutgoingTraffic', 'Bidirectional']).default('Bidirectional'),
  /** Who starts the connection: processing units and external networks. */
  subject: TagExpression,
  /** Who receives it: processing units and external networks. */
  object: TagExpression,
  /** Empty means any. */
  ports: ProtocolPorts.default([]),
  logsEnabled: z.boolean().default(false),
  observationEnabled: z.boolean().default(false),
  /** With `observationEnabled`: whether its action still decides when no other policy does. */
  observedTrafficAction: z.enum(['Apply', 'Continue']).default('Continue'),
  negateSubject: z.boolean().default(false),
  negateObject: z.boolean().default(false),
  encryptionEnabled: z.boolean().default(false),
  /** Cron expression; empty: always. */
  activeSchedule: z.string().max(256).default(''),
  activeDuration: ActiveDuration,
  propagate: z.boolean().default(false),
  fallback: z.boolean().default(false),
  disabled: z.boolean().default(false),
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
    expirationTime: Timestamp.optional(),
  },
});
export type NetworkAccessPolicy = z.infer<typeof networkaccesspolicy.stored>;

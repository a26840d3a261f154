import { z } from 'zod';
import { Timestamp } from './ids.ts';
import { Description, Disabled, Fallback, Name, Propagate, resource } from './resource.ts';
import { ActiveDuration } from './schedule.ts';
import { TagExpression } from './tag.ts';

export const hostservicemappingpolicy = resource({
  identity: 'hostservicemappingpolicy',
  plural: 'hostservicemappingpolicies',
  aliases: ['hostsrvmappol', 'hostsrvmappols'],
  group: 'legacy',
  summary: 'Deprecated and without effect: which host services (object) the enforcers of its subject had',
  defaultOrder: 'name',
  readOnly: {},
  createOnly: {},
  writable: {
    name: Name,
    description: Description,
    subject: TagExpression.describe('Selects enforcers by their tags.'),
    object: TagExpression.describe('Selects host services by their tags.'),
    propagate: Propagate,
    fallback: Fallback,
    disabled: Disabled,
    expirationTime: Timestamp.optional().describe('From then on it counts for nothing; absent: never.'),
    activeSchedule: z.string().max(256).default('').describe('Cron expression; empty: always.'),
    activeDuration: ActiveDuration,
  },
});
export type HostServiceMappingPolicy = z.infer<typeof hostservicemappingpolicy.stored>;

import { z } from 'zod';
import { Timestamp } from './ids.ts';
import { ActiveDuration } from './networkaccesspolicy.ts';
import { Description, Name, resource } from './resource.ts';
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
    subject: TagExpression,
    object: TagExpression,
    propagate: z.boolean().default(false),
    fallback: z.boolean().default(false),
    disabled: z.boolean().default(false),
    expirationTime: Timestamp.optional(),
    activeSchedule: z.string().max(256).default(''),
    activeDuration: ActiveDuration,
  },
});
export type HostServiceMappingPolicy = z.infer<typeof hostservicemappingpolicy.stored>;

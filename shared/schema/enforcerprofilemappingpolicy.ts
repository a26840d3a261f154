import { z } from 'zod';
import { Description, Name, resource } from './resource.ts';
import { Selector } from './tag.ts';

export const enforcerprofilemappingpolicy = resource({
  identity: 'enforcerprofilemappingpolicy',
  plural: 'enforcerprofilemappingpolicies',
  aliases: ['epm', 'epms', 'enfpol', 'enfpols'],
  group: 'enforcers',
  summary: 'Which profile (object) the enforcers that its subject selects use',
  defaultOrder: 'name',
  readOnly: {},
  createOnly: {},
  writable: {
    name: Name,
    description: Description,
    subject: Selector,
    object: Selector,
    propagate: z.boolean().default(false),
    fallback: z.boolean().default(false),
    disabled: z.boolean().default(false),
  },
});
export type EnforcerProfileMappingPolicy = z.infer<typeof enforcerprofilemappingpolicy.stored>;

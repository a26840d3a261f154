import type { z } from 'zod';
import { Description, Disabled, Fallback, Name, Propagate, resource } from './resource.ts';
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
    subject: Selector.describe('Selects enforcers by their tags.'),
    object: Selector.describe('Selects enforcer profiles by their tags.'),
    propagate: Propagate,
    fallback: Fallback,
    disabled: Disabled,
  },
});
export type EnforcerProfileMappingPolicy = z.infer<typeof enforcerprofilemappingpolicy.stored>;

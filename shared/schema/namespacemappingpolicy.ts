import { z } from 'zod';
import { NAMESPACE_NAME } from './namespace.ts';
import { Description, Disabled, Name, resource } from './resource.ts';
import { Selector } from './tag.ts';

export const namespacemappingpolicy = resource({
  identity: 'namespacemappingpolicy',
  plural: 'namespacemappingpolicies',
  aliases: ['nsmap', 'nsmaps', 'nspolicy', 'nspolicies'],
  group: 'enforcers',
  summary: 'Moves the processing units that its subject selects into a namespace below',
  defaultOrder: 'name',
  readOnly: {},
  createOnly: {},
  writable: {
    name: Name,
    description: Description,
    subject: Selector.describe('Selects processing units by their tags.'),
    mappedNamespace: z
      .string()
      .regex(NAMESPACE_NAME, 'must be a namespace path')
      .max(1024)
      .describe("Full path, or a path below this policy's namespace."),
    disabled: Disabled,
  },
  rules: value =>
    value.subject.some(clause => clause.includes('$identity=enforcer' as (typeof clause)[number]))
      ? [
          {
            path: ['subject'],
            input: '$identity=enforcer',
            message:
              'enforcers are no longer mapped; install the enforcer in the namespace it belongs to, and map processing units only',
          },
        ]
      : [],
});
export type NamespaceMappingPolicy = z.infer<typeof namespacemappingpolicy.stored>;

import { z } from 'zod';
import { Description, Name, resource } from './resource.ts';

/** What an export holds: name of a resource → its objects. */
const Data = z.strictObject({
  APIVersion: z.int().min(0).max(1).default(1).describe('Version of the format: 0 and 1 mean the same.'),
  identities: z.array(z.string()).default([]).describe('Names of resources, in any form.'),
  label: z.string().max(256).default('').describe('Means nothing here: the label of the reference counts.'),
  data: z
    .record(z.string(), z.array(z.record(z.string(), z.unknown())))
    .default({})
    .describe('Name of a resource → its objects, as `POST /export` gives them.'),
});

export const importreference = resource({
  identity: 'importreference',
  plural: 'importreferences',
  aliases: ['impref', 'imprefs', 'ipref', 'iprefs'],
  group: 'imports',
  summary: 'Objects that were imported together: they come, change and go with it',
  defaultOrder: 'name',
  refs: ['label'],
  readOnly: {
    claims: z.array(z.string()).default([]).describe('Who made it.'),
  },
  createOnly: {
    label: z
      .string()
      .max(256)
      .default('')
      .describe('Recognition tag of its objects, as in `POST /import`; empty: one that nobody else has.'),
    constraint: z
      .enum(['Unrestricted', 'Unique', 'NamespaceUnique'])
      .default('Unrestricted')
      .describe('Whether another may have the label: anywhere, nowhere in the tenant, not in the namespace.'),
  },
  writable: {
    name: Name,
    description: Description,
    data: Data.prefault({}).describe('What is imported: an export.'),
  },
});
export type ImportReference = z.infer<typeof importreference.stored>;

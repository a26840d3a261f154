import { z } from 'zod';
import { NamespacePath, ObjectId, Timestamp } from './ids.ts';
import { Name, resource } from './resource.ts';
import { Principal, Restrictions } from './token.ts';

/** Bounds of an import that goes through the bucket. */
export const IMPORT_LIMITS = {
  /** Bytes of its document. */
  bytes: 64 * 1024 * 1024,
  /** Objects in it, and objects that it removes, together. */
  objects: 50_000,
  /** Refused objects that are told, one by one; looking ends when there are so many. */
  errors: 20,
  /** Findings and warnings that are told. */
  findings: 50,
  /** Days for which it is shown after its end, and hours that it may wait for its document. */
  keptDays: 30,
  uploadHours: 24,
} as const;

/** What `POST /imports` takes. */
export const ImportSpec = z.strictObject({
  name: Name.default('import'),
  label: z
    .string()
    .max(256)
    .default('')
    .describe(
      'Recognition tag of its objects, over the document’s own. Both empty: one that nobody else has.',
    ),
  mode: z
    .enum(['Import', 'ReplacePartial', 'Remove'])
    .default('Import')
    .describe('As of `POST /import`. `Remove` takes no document.'),
  deleteMissing: z
    .boolean()
    .default(false)
    .describe('What earlier imports with the label made, and this one no longer holds, goes.'),
  override: z.boolean().default(false).describe('Protected objects are changed and removed too.'),
  validateOnly: z.boolean().default(false).describe('Everything is checked, and nothing is applied.'),
  format: z.enum(['json', 'yaml']).default('json').describe('Format of the document.'),
  size: z
    .int()
    .min(1)
    .max(IMPORT_LIMITS.bytes)
    .optional()
    .describe('Bytes of the document that will be uploaded: an export. Needed unless the mode is `Remove`.'),
});
export type ImportSpec = z.infer<typeof ImportSpec>;

export const IMPORT_STATUS = [
  'Uploading',
  'Queued',
  'Validating',
  'Applying',
  'Succeeded',
  'Refused',
  'Cancelled',
  'Failed',
] as const;
export type ImportStatus = (typeof IMPORT_STATUS)[number];

/** Statuses that nothing follows. */
export const IMPORT_ENDED: readonly ImportStatus[] = ['Succeeded', 'Refused', 'Cancelled', 'Failed'];

const at = z
  .string()
  .describe('Where it stands in the document: `data.externalnetworks[3]`; empty: all of it.');

const ImportError = z.strictObject({
  at,
  title: z.string().describe('Kind of failure.'),
  description: z.string().describe('What was wrong, with which value, and what to do.'),
});
export type ImportError = z.infer<typeof ImportError>;

const Finding = z.strictObject({
  at,
  name: z.string().describe('Name of the object.'),
  message: z.string().describe('What becomes of it, and what to do.'),
});

const count = (what: string) => z.int().min(0).default(0).describe(what);

/** An import that goes through the bucket, and where it stands. */
export const importRun = resource({
  identity: 'import',
  plural: 'imports',
  aliases: [],
  group: 'imports',
  summary: 'An import of many objects, by a workflow',
  defaultOrder: 'createTime',
  readOnly: {
    status: z
      .enum(IMPORT_STATUS)
      .default('Uploading')
      .describe(
        'Where it stands. `Refused`: nothing was applied. `Cancelled` and `Failed`: what `applied` counts was.',
      ),
    wanted: z.enum(['Run', 'Cancel']).default('Run').describe('What was last asked of it.'),
    reason: z.string().max(1024).default('').describe('Why it did not succeed.'),
    label: z.string().default('').describe('The label of its objects; known once its document was read.'),
    total: count('Objects to create, update or remove, or to leave as they are.'),
    validated: count('Of them, those that were looked at.'),
    failed: count('Of them, those that were refused.'),
    applied: count('Of them, those that were done.'),
    created: count('Objects that were made.'),
    updated: count('Objects that were changed.'),
    unchanged: count('Objects that were as wanted already.'),
    removed: count('Objects that were deleted, or were gone already.'),
    leftOut: count('Objects that have no place any more; `findings` says which.'),
    errors: z.array(ImportError).default([]).describe('Why objects were refused; the first of them.'),
    findings: z.array(Finding).default([]).describe('What has no effect any more; the first of it.'),
    moreFindings: count('Findings that are not told.'),
    warnings: z.array(z.string()).default([]).describe('What to know about what was imported.'),
    isPlanned: z.boolean().default(false).describe('Its document was read.'),
    plan: z.string().default('').describe('Which plan of it counts.'),
    parts: count('Parts that its objects were put into.'),
    part: count('The part that is next.'),
    offset: count('Objects of that part that were done.'),
    startTime: Timestamp.optional().describe('When it was started.'),
    endTime: Timestamp.optional().describe('When it ended.'),
    claims: z.array(z.string()).default([]).describe('Who started it; until then, who made it.'),
  },
  createOnly: {},
  writable: { name: Name, spec: ImportSpec.describe('What was asked for.') },
});
export type ImportRun = z.infer<typeof importRun.stored>;

const Permissions = z.record(z.string(), z.array(z.enum(['any', 'get', 'post', 'put', 'delete'])));

/** What somebody held in a namespace at one moment, as the pipeline found it out. */
export const FrozenRights = z.strictObject({
  caller: z.strictObject({ claims: z.array(z.string()), address: z.string() }).describe('Who.'),
  token: z
    .intersection(Principal, z.object({ data: z.record(z.string(), z.string()) }))
    .describe('Claims of the token, by which it is found out whether it was revoked.'),
  granted: z
    .array(
      z.object({
        permissions: Permissions,
        conditions: z.object({
          activeSchedule: z.string(),
          activeDuration: z.string(),
          expirationTime: z.string().optional(),
          subnets: z.array(z.array(z.string())),
        }),
      }),
    )
    .describe('Rights with their conditions.'),
  standing: z
    .object({
      namespace: NamespacePath,
      roles: z.array(z.string()),
      authorizedSubnets: z.array(z.string()).exactOptional(),
    })
    .optional()
    .describe('What the credential itself gives.'),
  restrictions: Restrictions.describe('What the token is restricted to.'),
});
export type FrozenRights = z.infer<typeof FrozenRights>;

/** There while an import goes on under a label. Its name is unique, so that no other one does in the namespace. */
export const importlabel = resource({
  identity: 'importlabel',
  plural: 'importlabels',
  aliases: [],
  group: 'imports',
  summary: 'The label under which an import goes on',
  unique: 'name',
  readOnly: {},
  createOnly: {},
  writable: {
    name: Name.describe('SHA-256 of the label, hexadecimal.'),
    label: z.string().min(1).describe('The label.'),
    import: ObjectId.describe('The import.'),
  },
});

/** Kept apart from the import, which is written anew with every transaction. */
export const importrights = resource({
  identity: 'importrights',
  plural: 'importrights',
  aliases: [],
  group: 'imports',
  summary: 'What the starter of an import held when it was started',
  readOnly: {},
  createOnly: {},
  writable: {
    name: Name,
    import: ObjectId.describe('The import.'),
    rights: FrozenRights.describe('What was held.'),
  },
});

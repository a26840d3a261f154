import { z } from 'zod';
import { ImportSpec, importRun } from '../schema/import.ts';
import { READ, WRITE } from './fails.ts';
import type { Route } from './route.ts';

/** An import as it is shown: without what only the workflow needs. */
export const ShownImport = importRun.stored.omit({
  isPlanned: true,
  plan: true,
  parts: true,
  part: true,
  offset: true,
  normalizedTags: true,
});
export type ShownImport = z.infer<typeof ShownImport>;

export const CreatedImport = ShownImport.extend({
  upload: z
    .object({
      url: z.string().describe('Where the document is sent to; whoever has it may send one.'),
      method: z.literal('PUT').describe('How.'),
      headers: z.record(z.string(), z.string()).describe('Headers that the request must have, just so.'),
      expiration: z.string().describe('RFC 3339 UTC.'),
    })
    .exactOptional()
    .describe('Absent when no document is taken.'),
});
export type CreatedImport = z.infer<typeof CreatedImport>;

const one = '/imports/{id}' as const;
const may = { identity: 'import', verb: 'post' } as const;

/** Imports that are too large for a request. */
export const importRoutes = {
  createImport: {
    method: 'POST',
    path: '/imports',
    group: 'imports',
    summary: 'Prepares an import of many objects, and says where to upload its document.',
    allow: may,
    input: ImportSpec,
    ok: CreatedImport,
    fails: WRITE,
  },
  listImports: {
    method: 'GET',
    path: '/imports',
    group: 'imports',
    summary: 'Lists the imports of many objects into the namespace, newest first.',
    allow: { identity: 'import', verb: 'get' },
    ok: z.array(ShownImport),
    takes: ['page', 'pagesize', 'order', 'q'],
    fails: READ,
  },
  getImport: {
    method: 'GET',
    path: one,
    group: 'imports',
    summary: 'Gets where an import of many objects stands.',
    allow: { identity: 'import', verb: 'get' },
    ok: ShownImport,
    fails: READ,
  },
  startImport: {
    method: 'POST',
    path: `${one}/start`,
    group: 'imports',
    summary: 'Starts an import whose document was uploaded, with the rights that the caller has now.',
    allow: may,
    ok: ShownImport,
    fails: WRITE,
  },
  cancelImport: {
    method: 'POST',
    path: `${one}/cancel`,
    group: 'imports',
    summary:
      'Ends an import behind the transaction that is under way; what was applied stays and is counted.',
    allow: may,
    ok: ShownImport,
    fails: WRITE,
  },
} as const satisfies Record<string, Route>;

import { z } from 'zod';
import type { Publication, Publications } from '../../ports/publications.ts';
import { NamespacePath, ObjectId, tenantOf } from '../../schema/ids.ts';
import { Tag } from '../../schema/tag.ts';
import { publicationKey, publicationsPk } from '../table/keys.ts';
import type { Database } from './database.ts';

const fromJson = z.string().transform((text): unknown => JSON.parse(text));
const Row = z.object({
  sk: ObjectId,
  namespace: NamespacePath,
  marked: z.int(),
  published: z.int(),
  revision: z.int(),
  digest: z.string(),
  since: z.int(),
  changed: z.string(),
  selectors: fromJson.pipe(z.array(z.array(Tag))),
  reaches: fromJson.pipe(z.array(NamespacePath)),
});

const toPublication = (row: unknown): Publication => {
  const { sk, ...rest } = Row.parse(row);
  return { namespaceID: sk, ...rest };
};

export function openPublications(database: Database): Publications {
  const { handle, write } = database;
  const list = handle.prepare('SELECT * FROM publications WHERE pk = ? ORDER BY namespace');
  const get = handle.prepare('SELECT * FROM publications WHERE pk = ? AND sk = ?');
  const mark = handle.prepare(
    `INSERT INTO publications (pk, sk, namespace, marked, published, revision, digest, since, changed, selectors, reaches)
     VALUES (?, ?, ?, 1, 0, 0, '', 0, '', '[]', '[]') ON CONFLICT DO UPDATE SET marked = marked + 1`,
  );
  const done = handle.prepare(
    `UPDATE publications SET published = ?, revision = ?, digest = ?, since = ?, changed = ?, selectors = ?, reaches = ?
     WHERE pk = ? AND sk = ? AND published <= ?`,
  );
  const remove = handle.prepare('DELETE FROM publications WHERE pk = ? AND sk = ?');

  return {
    list: async tenant => list.all(publicationsPk(tenant)).map(toPublication),
    async get(tenant, namespaceID) {
      const { pk, sk } = publicationKey(tenant, namespaceID);
      const row = get.get(pk, sk);
      return row && toPublication(row);
    },
    mark: (namespace, namespaceID) =>
      write(() => {
        const { pk, sk } = publicationKey(tenantOf(namespace), namespaceID);
        mark.run(pk, sk, namespace);
      }),
    done: ({ namespace, namespaceID, marked, revision, digest, since, changed, selectors, reaches }) =>
      write(() => {
        const { pk, sk } = publicationKey(tenantOf(namespace), namespaceID);
        const kept = [JSON.stringify(selectors), JSON.stringify(reaches)] as const;
        done.run(marked, revision, digest, since, changed, ...kept, pk, sk, marked);
      }),
    remove: (tenant, namespaceID) =>
      write(() => {
        const { pk, sk } = publicationKey(tenant, namespaceID);
        remove.run(pk, sk);
      }),
  };
}

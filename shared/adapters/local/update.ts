import type { DatabaseSync } from 'node:sqlite';
import { NamespacePath } from '../../schema/ids.ts';
import { everyIdentity, resourceOf } from '../../schema/resources.ts';
import { objectsPrefix, sumKey } from '../table/keys.ts';
import { readObject } from '../table/read.ts';
import { weightOf } from '../table/whole.ts';
import { itemTable } from './items.ts';

/** The version of the schema that is brought up to date when it is opened. */
export const BEFORE = 3;

/** Index `due`. Older items are in it from their next write on. */
export const DUE = `
  ALTER TABLE items ADD COLUMN duePk TEXT;
  ALTER TABLE items ADD COLUMN dueSk TEXT;
  CREATE INDEX due ON items (duePk, dueSk) WHERE duePk IS NOT NULL;
`;

/** Inside a transaction. */
export function update(handle: DatabaseSync, path: string): void {
  handle.exec(DUE);
  const items = itemTable({ handle, path });
  const all = handle.prepare('SELECT pk, sk, object FROM items WHERE substr(sk, 1, ?) = ?');
  for (const resource of everyIdentity.filter(identity => resourceOf(identity).summed)) {
    const prefix = objectsPrefix(resource);
    for (const { pk, sk, object } of all.all(prefix.length, prefix)) {
      const stored = readObject(resource, String(object), `${pk} ${sk}`);
      items.add(sumKey(resource, NamespacePath.parse(pk)), weightOf(stored));
    }
  }
}

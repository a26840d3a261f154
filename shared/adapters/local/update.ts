import type { DatabaseSync } from 'node:sqlite';
import type { Stored } from '../../ports/object-store.ts';
import { NamespacePath } from '../../schema/ids.ts';
import type { AnyResource } from '../../schema/resource.ts';
import { everyIdentity, type Identity, resourceOf } from '../../schema/resources.ts';
import { dueKey, type ItemKey, objectsPrefix, sumKey } from '../table/keys.ts';
import { readObject } from '../table/read.ts';
import { weightOf } from '../table/whole.ts';
import { itemTable } from './items.ts';

export const SCHEMA_VERSION = 5;

/** The oldest version of the schema that is brought up to date when it is opened. */
export const OLDEST = 3;

/** Index `due`, which came with version 4. */
export const DUE = `
  ALTER TABLE items ADD COLUMN duePk TEXT;
  ALTER TABLE items ADD COLUMN dueSk TEXT;
  CREATE INDEX due ON items (duePk, dueSk) WHERE duePk IS NOT NULL;
`;

/** Brings a database of an older version up to date, inside a transaction. */
export function update(handle: DatabaseSync, path: string, from: number): void {
  if (from < 4) handle.exec(DUE);
  const items = itemTable({ handle, path });
  const all = handle.prepare('SELECT pk, sk, object FROM items WHERE substr(sk, 1, ?) = ?');
  const each = (wanted: (resource: AnyResource) => boolean, work: Work): void => {
    for (const resource of everyIdentity.filter(identity => wanted(resourceOf(identity)))) {
      const prefix = objectsPrefix(resource);
      for (const { pk, sk, object } of all.all(prefix.length, prefix)) {
        const key = { pk: String(pk), sk: String(sk) };
        work(resource, key, readObject(resource, String(object), `${pk} ${sk}`));
      }
    }
  };
  if (from < 4) {
    each(
      ({ summed }) => summed === true,
      (resource, { pk }, stored) => items.add(sumKey(resource, NamespacePath.parse(pk)), weightOf(stored)),
    );
  }
  // Version 5: what was written before its resource said when it is due.
  each(
    ({ due }) => due !== undefined,
    (resource, key, stored) => {
      const item = items.get(key);
      if (item) items.put({ ...item, ...dueKey(resource, stored) });
    },
  );
}

type Work = (resource: Identity, key: ItemKey, stored: Stored) => void;

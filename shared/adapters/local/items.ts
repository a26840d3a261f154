import type { DatabaseSync, SQLOutputValue, StatementSync } from 'node:sqlite';
import { crc32 } from 'node:zlib';
import type { ItemKey } from '../table/keys.ts';
import { type Condition, type Item, itemBytes } from '../table/plan.ts';
import type { Database } from './database.ts';
import { damaged } from './refusals.ts';

/** Items whose sort key begins with `prefix`, in the table itself or in an index. */
export interface Range {
  index: 'items' | 'tree' | 'ref';
  pk: string;
  prefix: string;
  /** Begin behind this sort key. */
  after?: string | undefined;
  limit: number;
  /** Stop before the items are more than this together. */
  bytes: number;
  newestFirst?: boolean;
}

/** What DynamoDB does with one item or one range, on SQLite. Synchronous; writes belong inside `Database.write`. */
export interface ItemTable {
  get(key: ItemKey): Item | undefined;
  put(item: Item): void;
  delete(key: ItemKey): void;
  /** To the number that an item is, or would be 0; one that is 0 is not kept. */
  add(key: ItemKey, by: bigint): void;
  /** At least one item when there is any. `more`: there are others behind them. */
  query(range: Range): { items: Item[]; bytes: number; more: boolean };
  /** Of index `due`, which holds no more. */
  keysBefore(duePk: string, dueSk: string): ItemKey[];
}

type Row = { readonly [column in (typeof COLUMNS)[number] | 'crc' | 'expires']?: SQLOutputValue };

const FIRST = ['pk', 'sk', 'object', 'id', 'updateTime', 'treePk', 'treeSk', 'refPk', 'refSk'] as const;
/** Columns that came with schema version 4. */
const LATER = ['duePk', 'dueSk'] as const;
const COLUMNS = [...FIRST, ...LATER] as const;
const KEYS = { items: ['pk', 'sk'], tree: ['treePk', 'treeSk'], ref: ['refPk', 'refSk'] } as const;

export const checksum = (text: string): number => crc32(text);

/** Over every column, since SQLite itself notices no change inside a value; those that came later where they hold something. */
const checksumOf = (row: Row | Item): number =>
  crc32(
    [...FIRST, ...LATER.filter(name => typeof row[name] === 'string')].reduce(
      (text, name) => `${text}${name}=${row[name] ?? ''}\n`,
      '',
    ),
  );

function intact(row: Row, path: string): Row {
  if (checksumOf(row) === row.crc) return row;
  throw damaged(path, `item ${row.pk} ${row.sk} does not match its checksum`);
}

/** Compares every item with its checksum; fails with `unavailable`, naming the database and the first that differs. */
export function verifyItems(handle: DatabaseSync, path: string): void {
  for (const row of handle.prepare('SELECT * FROM items').iterate()) intact(row, path);
}

export const holds = (condition: Condition | undefined, found: Item | undefined): boolean => {
  if (condition === undefined) return true;
  if (condition === 'absent') return found === undefined;
  if (condition === 'present') return found !== undefined;
  if (condition === 'open') return found?.updateTime !== undefined;
  if ('expiredBy' in condition)
    return found === undefined || (found.expires ?? Number.POSITIVE_INFINITY) <= condition.expiredBy;
  return 'id' in condition ? found?.id === condition.id : found?.updateTime === condition.updateTime;
};

export function itemTable({ handle, path }: Pick<Database, 'handle' | 'path'>): ItemTable {
  const read = handle.prepare('SELECT * FROM items WHERE pk = ? AND sk = ?');
  const remove = handle.prepare('DELETE FROM items WHERE pk = ? AND sk = ?');
  const insert = handle.prepare(
    `INSERT OR REPLACE INTO items (${COLUMNS}, crc, expires) VALUES (${'?, '.repeat(COLUMNS.length)}?, ?)`,
  );
  const due = handle.prepare('SELECT pk, sk FROM items WHERE duePk = ? AND dueSk < ? ORDER BY dueSk');
  const statements = new Map<string, StatementSync>();

  /** `begins with` as a range: U+10FFFF sorts behind everything that a key may hold. */
  const select = ({ index, newestFirst = false }: Range): StatementSync => {
    const name = `${index} ${newestFirst}`;
    const [pk, sk] = KEYS[index];
    const text = newestFirst
      ? `SELECT * FROM items WHERE ${pk} = ? AND ${sk} >= ? AND ${sk} < ? ORDER BY ${sk} DESC`
      : `SELECT * FROM items WHERE ${pk} = ? AND ${sk} > ? AND ${sk} < ? ORDER BY ${sk}`;
    const statement = statements.get(name) ?? handle.prepare(text);
    statements.set(name, statement);
    return statement;
  };

  const get = (key: ItemKey): Item | undefined => {
    const row = read.get(key.pk, key.sk);
    return row && toItem(intact(row, path));
  };
  const put = (item: Item): void => {
    insert.run(...COLUMNS.map(name => item[name] ?? null), checksumOf(item), item.expires ?? null);
  };

  return {
    get,
    put,
    add(key, by) {
      const sum = BigInt(get(key)?.object ?? 0) + by;
      if (sum === 0n) remove.run(key.pk, key.sk);
      else put({ ...key, object: String(sum) });
    },
    delete(key) {
      remove.run(key.pk, key.sk);
    },
    query(range) {
      const { pk, prefix, after, limit, newestFirst } = range;
      const end = `${prefix}\u{10FFFF}`;
      const [from, to] = newestFirst ? [prefix, after ?? end] : [after ?? prefix, end];
      const items: Item[] = [];
      let bytes = 0;
      for (const row of select(range).iterate(pk, from, to)) {
        const item = toItem(intact(row, path));
        const sum = bytes + itemBytes(item);
        if (items.length === limit || (sum > range.bytes && items.length > 0))
          return { items, bytes, more: true };
        items.push(item);
        bytes = sum;
      }
      return { items, bytes, more: false };
    },
    keysBefore: (duePk, dueSk) =>
      due.all(duePk, dueSk).map(({ pk, sk }) => ({ pk: String(pk), sk: String(sk) })),
  };
}

function toItem(row: Row): Item {
  const item: Item = { pk: String(row.pk), sk: String(row.sk) };
  for (const name of COLUMNS) {
    const value = row[name];
    if (typeof value === 'string') item[name] = value;
  }
  if (typeof row.expires === 'number') item.expires = row.expires;
  return item;
}

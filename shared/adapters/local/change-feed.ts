import type { DatabaseSync } from 'node:sqlite';
import { z } from 'zod';
import type { Change, ChangeFeed } from '../../ports/change-feed.ts';
import { fail } from '../../schema/failure.ts';
import { IdentityName, readObject } from '../table/read.ts';
import type { Database } from './database.ts';
import { checksum } from './items.ts';
import { damaged } from './refusals.ts';

/** The outbox: rows that the object store writes in the transaction of each write. A cursor is the last row that was read. */
export interface LocalChangeFeed extends ChangeFeed {
  /** Where a consumer stands, as it said last; the start when it never did. */
  standing(consumer: string): Promise<string>;
  /** Remembers where a consumer stands, and drops the rows that every remembered consumer has behind it. */
  remember(consumer: string, cursor: string): Promise<void>;
}

const Row = z.object({
  seq: z.int(),
  resource: IdentityName,
  operation: z.enum(['create', 'update', 'delete']),
  before: z.string().nullable(),
  after: z.string().nullable(),
  crc: z.int(),
});

const START = '0';

function intact(value: unknown, path: string): z.infer<typeof Row> {
  const row = Row.parse(value);
  if (checksum(`${row.before}${row.after}`) === row.crc) return row;
  throw damaged(path, `change ${row.seq} does not match its checksum`);
}

/** Compares every change with its checksum; fails with `unavailable`, naming the database and the first that differs. */
export function verifyChanges(handle: DatabaseSync, path: string): void {
  for (const row of handle.prepare('SELECT * FROM changes').iterate()) intact(row, path);
}

export function openChangeFeed(database: Database): LocalChangeFeed {
  const { handle, path } = database;
  const select = handle.prepare('SELECT * FROM changes WHERE seq > ? ORDER BY seq LIMIT ?');
  const standing = handle.prepare('SELECT cursor FROM cursors WHERE consumer = ?');
  const remember = handle.prepare('INSERT OR REPLACE INTO cursors (consumer, cursor) VALUES (?, ?)');
  const drop = handle.prepare(
    'DELETE FROM changes WHERE seq <= (SELECT min(CAST(cursor AS INTEGER)) FROM cursors)',
  );

  const toChange = (value: unknown): { seq: number; change: Change } => {
    const { seq, resource, operation, before, after } = intact(value, path);
    const at = `change ${seq}`;
    return {
      seq,
      change: {
        resource,
        operation,
        ...(before !== null && { before: readObject(resource, before, at) }),
        ...(after !== null && { after: readObject(resource, after, at) }),
      },
    };
  };

  return {
    start: async () => START,
    async read(cursor, limit) {
      const rows = select.all(seqOf(cursor), limit).map(toChange);
      return { changes: rows.map(row => row.change), cursor: String(rows.at(-1)?.seq ?? cursor) };
    },
    standing: async consumer => String(standing.get(consumer)?.cursor ?? START),
    remember: (consumer, cursor) =>
      database.write(() => {
        remember.run(consumer, String(seqOf(cursor)));
        drop.run();
      }),
  };
}

function seqOf(cursor: string): number {
  if (/^\d{1,15}$/.test(cursor)) return Number(cursor);
  throw fail('bad_request', `\`${cursor}\` is no cursor of the change feed; begin with start()`);
}

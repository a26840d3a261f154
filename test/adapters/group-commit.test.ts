import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Database } from '../../shared/adapters/local/database.ts';
import { type DataDirectory, dataDirectory } from '../make/data-directory.ts';

let directory: DataDirectory;
let database: Database;
beforeEach(() => {
  directory = dataDirectory();
  database = directory.open();
});
afterEach(() => directory.stop());

const insert = (consumer: string): void => {
  database.handle.prepare('INSERT INTO cursors (consumer, cursor) VALUES (?, ?)').run(consumer, '0');
};
const stored = (): unknown[] =>
  database.handle
    .prepare('SELECT consumer FROM cursors ORDER BY consumer')
    .all()
    .map(({ consumer }) => consumer);

describe('writes of one turn', () => {
  it('are one transaction', async () => {
    let inOne = 0;
    const look = (): void => {
      inOne += database.handle.isTransaction ? 1 : 0;
      insert(`consumer ${inOne}`);
    };
    await Promise.all([database.write(look), database.write(look), database.write(look)]);
    expect(inOne).toBe(3);
    expect(stored()).toHaveLength(3);
    expect(database.handle.isTransaction).toBe(false);
  });

  it('are undone alone when one of them throws', async () => {
    const answers = await Promise.allSettled([
      database.write(() => insert('a')),
      database.write(() => {
        insert('b');
        throw new Error('not this one');
      }),
      database.write(() => insert('c')),
    ]);
    expect(answers.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(stored()).toEqual(['a', 'c']);
  });

  it('see what those before them wrote, and give back what they found', async () => {
    database.write(() => insert('a'));
    expect(await database.write(stored)).toEqual(['a']);
  });

  it('are all refused when the transaction is lost, and those after them are not', async () => {
    const answers = await Promise.allSettled([
      database.write(() => insert('a')),
      database.write(() => {
        database.handle.exec('ROLLBACK');
        throw new Error('as a full disk does');
      }),
    ]);
    expect(answers.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    await database.write(() => insert('b'));
    expect(stored()).toEqual(['b']);
  });

  it('are done before the database is closed', async () => {
    const written = database.write(() => insert('a'));
    database.close();
    await written;
    database = directory.open();
    expect(stored()).toEqual(['a']);
  });
});

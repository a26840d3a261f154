import {
  chmodSync,
  copyFileSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openBucket } from '../../shared/adapters/local/bucket.ts';
import { openChangeFeed } from '../../shared/adapters/local/change-feed.ts';
import { openDatabase } from '../../shared/adapters/local/database.ts';
import { itemTable } from '../../shared/adapters/local/items.ts';
import { openObjectStore } from '../../shared/adapters/local/object-store.ts';
import { openSigner } from '../../shared/adapters/local/signer.ts';
import type { Item } from '../../shared/adapters/table/plan.ts';
import type { Stored } from '../../shared/ports/object-store.ts';
import { testClock } from '../make/clock.ts';
import { type DataDirectory, dataDirectory } from '../make/data-directory.ts';
import { create, freshTenant, makeAuthorization, makeEnforcer, makeNetwork } from '../make/objects.ts';

let directory: DataDirectory;
beforeEach(() => {
  directory = dataDirectory();
});
afterEach(() => directory.stop());

const at = (...names: string[]): string => join(directory.path, ...names);
const refused = (path: string) =>
  expect.objectContaining({ kind: 'unavailable', message: expect.stringContaining(path) });

/** Changes one byte of a file, so that it differs for certain. */
const flip = (path: string, offset: number): void => {
  const bytes = readFileSync(path);
  bytes[offset] = (bytes[offset] ?? 0) ^ 0x01;
  writeFileSync(path, bytes);
};

describe('a database', () => {
  const tenant = freshTenant();
  const networks = Array.from({ length: 40 }, (_, index) => makeNetwork(tenant, `network-${index}`));
  /** A database with objects in it, closed; or, as after a kill, with its write-ahead log. */
  const fill = async (killed = false): Promise<void> => {
    const database = directory.open();
    const store = openObjectStore(database, testClock());
    for (const network of networks) await store.commit([create('externalnetwork', network)]);
    if (killed)
      for (const name of ['microseg.db', 'microseg.db-wal']) copyFileSync(at(name), at(`${name}.kept`));
    database.close();
    if (killed)
      for (const name of ['microseg.db', 'microseg.db-wal']) renameSync(at(`${name}.kept`), at(name));
  };
  const open = () => {
    const database = directory.open();
    try {
      const store = openObjectStore(database, testClock());
      openChangeFeed(database);
      return { database, store };
    } catch (error) {
      database.close();
      throw error;
    }
  };

  it('opens again with everything in it, also after a kill', async () => {
    await fill(true);
    const { store } = open();
    expect((await store.list('externalnetwork', tenant, { limit: 100 })).items).toEqual(networks);
  });

  it('is refused by name when a byte was changed, or gives back exactly what was written', async () => {
    await fill();
    const bytes = readFileSync(at('microseg.db'));
    let refusals = 0;
    for (let step = 0; step < 40; step += 1) {
      const place = Math.floor((bytes.length * (step + 0.5)) / 40) + (step % 7);
      writeFileSync(at('microseg.db'), bytes);
      flip(at('microseg.db'), place);
      try {
        const { database, store } = open();
        const { items } = await store.list('externalnetwork', tenant, { limit: 100 });
        expect(items, `byte ${place}`).toEqual(networks);
        database.close();
      } catch (error) {
        expect(error, `byte ${place}`).toEqual(refused(at('microseg.db')));
        refusals += 1;
      }
    }
    expect(refusals).toBeGreaterThan(10);
  });

  it('is refused by name when it is cut short, overwritten or something else', async () => {
    await fill();
    const bytes = readFileSync(at('microseg.db'));
    truncateSync(at('microseg.db'), bytes.length - 4096 * 3);
    expect(open).toThrow(refused(at('microseg.db')));
    writeFileSync(
      at('microseg.db'),
      Buffer.concat([bytes.subarray(0, 4096), Buffer.alloc(8192, 7), bytes.subarray(12288)]),
    );
    expect(open).toThrow(refused(at('microseg.db')));
    writeFileSync(
      at('microseg.db'),
      'these are my notes, not a database, and they are long enough'.repeat(100),
    );
    expect(open).toThrow(refused(at('microseg.db')));
    rmSync(at('microseg.db'));
    const foreign = new DatabaseSync(at('microseg.db'));
    foreign.exec('CREATE TABLE t (a)');
    foreign.close();
    expect(open).toThrow('is no Microseg database');
  });

  it('is refused by name when its write-ahead log was changed before the end', async () => {
    await fill(true);
    const log = readFileSync(at('microseg.db-wal'));
    for (const place of [3, 20, 32 + 9, 32 + 24 + 100, Math.floor(log.length / 2)]) {
      writeFileSync(at('microseg.db-wal'), log);
      flip(at('microseg.db-wal'), place);
      expect(open).toThrow(refused(at('microseg.db-wal')));
    }
  });

  it('goes on when the last commit was torn by a crash', async () => {
    await fill(true);
    truncateSync(at('microseg.db-wal'), readFileSync(at('microseg.db-wal')).length - 100);
    const { store } = open();
    const { items } = await store.list('externalnetwork', tenant, { limit: 100 });
    expect(items).toEqual(networks.slice(0, -1));
  });

  it('is refused when it is lost or empty beside what belongs to it', async () => {
    await fill(true);
    const log = readFileSync(at('microseg.db-wal'));
    truncateSync(at('microseg.db'), 0);
    expect(open).toThrow(refused(at('microseg.db')));
    expect(readFileSync(at('microseg.db-wal')).equals(log)).toBe(true);
    rmSync(at('microseg.db-wal'));
    await openSigner(at('keys', 'token.pem'));
    expect(open).toThrow(refused(at('microseg.db')));
    rmSync(at('microseg.db'));
    expect(open).toThrow(refused(at('microseg.db')));
  });

  describe('of an older version of the schema is brought up to date, and is as intact as it was:', () => {
    const LATER = `DELETE FROM items WHERE sk LIKE 'sum#%'; DROP INDEX due;
      ALTER TABLE items DROP COLUMN duePk; ALTER TABLE items DROP COLUMN dueSk; PRAGMA user_version = 3`;

    it.each([3, 4])('%i', async version => {
      await fill();
      const expiring = (number: number): Partial<Stored<'apiauthorizationpolicy'>> =>
        number === 1 ? { expirationTime: '2026-03-01T12:00:00.000Z' } : {};
      const policies = [1, 2, 3].map(number => ({
        ...makeAuthorization(tenant, `${number}`, [['@auth:realm=oidc', `@auth:email=${number}`]]),
        ...expiring(number),
      }));
      const enforcer = { ...makeEnforcer(tenant, 'e', ''), lastPokeTime: '2026-03-01T12:00:00.000Z' };
      const before = open();
      await before.store.commit(policies.map(policy => create('apiauthorizationpolicy', policy)));
      await before.store.commit([create('enforcer', enforcer)]);
      before.database.close();
      writtenBy(version);
      const { store, database } = open();
      expect((await store.list('externalnetwork', tenant, { limit: 100 })).items).toEqual(networks);
      const all = await store.all('apiauthorizationpolicy', tenant);
      expect(all).toEqual(policies);
      expect(await store.all('apiauthorizationpolicy', tenant)).toBe(all);
      const later = new Date('2026-03-01T13:00:00.000Z');
      expect((await store.due('enforcer', later)).map(({ id }) => id)).toEqual([enforcer.ID]);
      const due = await store.due('apiauthorizationpolicy', later);
      expect(due.map(({ id }) => id)).toEqual([policies[0]?.ID]);
      database.close();
      open();
    });

    /** As a release of that version left it: authorizations were due in none, and 3 knew neither index nor sums. */
    function writtenBy(version: number): void {
      const handle = new DatabaseSync(at('microseg.db'));
      const items = itemTable({ handle, path: at('microseg.db') });
      for (const { pk, sk } of handle.prepare('SELECT pk, sk FROM items WHERE duePk IS NOT NULL').all()) {
        if (version === 4 && String(sk).startsWith('enforcer#')) continue;
        const { duePk: _, dueSk: __, ...item } = items.get({ pk: String(pk), sk: String(sk) }) as Item;
        items.put(item);
      }
      handle.exec(version === 3 ? LATER : 'PRAGMA user_version = 4');
      handle.close();
    }
  });

  it('of another version of the schema is refused with both versions', async () => {
    await fill();
    const handle = new DatabaseSync(at('microseg.db'));
    handle.exec('PRAGMA user_version = 99');
    handle.close();
    expect(open).toThrow('schema version 99');
  });
});

describe('a bucket', () => {
  const key = 'bundles/a/timestamp.json';
  const file = () => at('bucket', `${key}~`);
  const fill = async (): Promise<void> => {
    const bucket = await openBucket(at('bucket'));
    await bucket.put(key, new TextEncoder().encode('{"signed":1}'), { contentType: 'application/json' });
  };

  it('is refused by the name of the file when any byte of an object was changed', async () => {
    await fill();
    const bytes = readFileSync(file());
    for (let place = 0; place < bytes.length; place += 1) {
      writeFileSync(file(), bytes);
      flip(file(), place);
      // Only the content type in the header has no digest.
      if (isContentType(bytes, place)) continue;
      await expect(openBucket(at('bucket')), `byte ${place}`).rejects.toEqual(refused(file()));
    }
  });
  const isContentType = (bytes: Buffer, place: number): boolean => {
    const start = bytes.indexOf('application/json');
    return place >= start && place < start + 'application/json'.length;
  };

  it('names a file that was damaged while it runs', async () => {
    await fill();
    const bucket = await openBucket(at('bucket'));
    truncateSync(file(), 80);
    await expect(bucket.get(key)).rejects.toEqual(refused(file()));
  });

  it('forgets what was being written when it was killed, and keeps what was there', async () => {
    await fill();
    writeFileSync(at('bucket', '~aside', '1'), 'half');
    const bucket = await openBucket(at('bucket'));
    expect(await bucket.list('')).toEqual([key]);
  });
});

describe('a key', () => {
  const path = () => at('keys', 'token.pem');

  it('is made once and then stays', async () => {
    const made = await (await openSigner(path())).publicKey();
    expect(await (await openSigner(path())).publicKey()).toBe(made);
  });

  it('is not made when it must be there', async () => {
    await expect(openSigner(path(), { create: false })).rejects.toEqual(refused(path()));
  });

  it('is refused by name when any character was changed', async () => {
    await openSigner(path());
    const bytes = readFileSync(path());
    for (let place = 0; place < bytes.length; place += 5) {
      writeFileSync(path(), bytes);
      flip(path(), place);
      await expect(openSigner(path()), `character ${place}`).rejects.toEqual(refused(path()));
    }
  });

  it.skipIf(process.platform === 'win32')('is refused when others may read it', async () => {
    await openSigner(path());
    chmodSync(path(), 0o640);
    await expect(openSigner(path())).rejects.toThrow(`chmod 600 ${path()}`);
  });
});

it('opens a data directory that is not there yet', () => {
  const database = openDatabase(at('new', 'deeper'));
  expect(database.fresh).toBe(true);
  database.close();
});

import { existsSync, mkdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fail } from '../../schema/failure.ts';
import { verifyChanges } from './change-feed.ts';
import { groupCommit } from './group-commit.ts';
import { verifyItems } from './items.ts';
import { damaged, inUse, lost, refused } from './refusals.ts';
import { DUE, OLDEST, SCHEMA_VERSION, update } from './update.ts';
import { checkLog } from './write-ahead-log.ts';

/** The SQLite database of a data directory: one process, one connection, every commit on disk before it is acknowledged. */
export interface Database {
  /** For reads, and for writes inside `write`. */
  readonly handle: DatabaseSync;
  readonly path: string;
  /** True when this start made the file. */
  readonly fresh: boolean;
  /**
   * Runs `work` in a transaction and resolves with its result once that is on disk. What is asked for in one turn of
   * the event loop shares a transaction, and so one fsync; work that throws is undone alone and rejects with its error.
   */
  write<T>(work: () => T): Promise<T>;
  close(): void;
}

/** `Mseg`: another program's SQLite file is refused. */
const APPLICATION_ID = 0x4d736567;

const SCHEMA = `
  CREATE TABLE items (
    pk TEXT NOT NULL, sk TEXT NOT NULL,
    object TEXT, crc INTEGER NOT NULL, id TEXT, updateTime TEXT,
    treePk TEXT, treeSk TEXT, refPk TEXT, refSk TEXT, expires INTEGER,
    PRIMARY KEY (pk, sk)
  ) STRICT;
  CREATE UNIQUE INDEX tree ON items (treePk, treeSk) WHERE treePk IS NOT NULL;
  CREATE UNIQUE INDEX ref ON items (refPk, refSk) WHERE refPk IS NOT NULL;
  CREATE INDEX expiring ON items (expires) WHERE expires IS NOT NULL;
  CREATE TABLE changes (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    resource TEXT NOT NULL, operation TEXT NOT NULL, before TEXT, after TEXT, crc INTEGER NOT NULL
  ) STRICT;
  ${DUE}
  CREATE TABLE cursors (consumer TEXT PRIMARY KEY, cursor TEXT NOT NULL) STRICT;
  CREATE TABLE publications (
    pk TEXT NOT NULL, sk TEXT NOT NULL, namespace TEXT NOT NULL, marked INTEGER NOT NULL, published INTEGER NOT NULL,
    revision INTEGER NOT NULL, digest TEXT NOT NULL, since INTEGER NOT NULL, changed TEXT NOT NULL,
    selectors TEXT NOT NULL, reaches TEXT NOT NULL, PRIMARY KEY (pk, sk)
  ) STRICT;
  CREATE TABLE events (seq INTEGER PRIMARY KEY AUTOINCREMENT, event TEXT NOT NULL) STRICT;
  CREATE TABLE deliveries (
    seq INTEGER NOT NULL REFERENCES events ON DELETE CASCADE, subscriber TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0, due INTEGER NOT NULL, dead INTEGER NOT NULL DEFAULT 0, error TEXT,
    PRIMARY KEY (seq, subscriber)
  ) STRICT;
`;

/** What a data directory holds beside the database; with it there, an empty database was lost, not never made. */
const COMPANIONS = ['keys', 'bucket'];

/**
 * Opens `<directory>/microseg.db`, making both when there are none. Fails with `unavailable`, naming the file, when it
 * is damaged, foreign, missing beside data that belongs to it, or in use by another process. Nothing is ever repaired.
 */
export function openDatabase(directory: string): Database {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const path = join(directory, 'microseg.db');
  const opened: DatabaseSync[] = [];
  const close = (): void => {
    for (const each of opened.splice(0)) each.close();
  };
  try {
    opened.push(lock(directory));
    refuseLostDatabase(path, directory);
    checkLog(`${path}-wal`);
    inspect(path);
    const handle = connect(path);
    opened.unshift(handle);
    const fresh = prepare(handle, path, directory);
    const { write, flush } = groupCommit(handle, path);
    return {
      handle,
      path,
      fresh,
      write,
      close: () => {
        flush();
        close();
      },
    };
  } catch (error) {
    close();
    throw refused(path, error);
  }
}

const connect = (path: string): DatabaseSync =>
  new DatabaseSync(path, { timeout: 500, enableForeignKeyConstraints: true });

/**
 * Keeps other processes out of the directory while this one lives. A lock of the operating system, taken through an
 * empty SQLite file, so that none outlives a kill -9, and taken before the database itself is looked at.
 */
function lock(directory: string): DatabaseSync {
  const path = join(directory, 'lock');
  const handle = connect(path);
  try {
    handle.exec('BEGIN EXCLUSIVE');
    return handle;
  } catch (error) {
    handle.close();
    throw inUse(directory, error);
  }
}

/** SQLite would make a new database where one is gone, and drop a write-ahead log whose database is gone. */
function refuseLostDatabase(path: string, directory: string): void {
  if (sizeOf(path) > 0) return;
  const wal = `${path}-wal`;
  if (sizeOf(wal) > 0) throw lost(path, wal);
  refuseCompanions(path, directory);
}

function refuseCompanions(path: string, directory: string): void {
  const companion = COMPANIONS.find(name => existsSync(join(directory, name)));
  if (companion) throw lost(path, join(directory, companion));
}

/**
 * Reads everything over a connection that cannot write: one that could would copy the write-ahead log into a damaged
 * database when it is closed, and delete the log. What SQLite itself does not notice, checksums do.
 */
function inspect(path: string): void {
  // With a rollback journal beside it, it was being made, and holds nothing yet.
  if (sizeOf(path) === 0 || existsSync(`${path}-journal`)) return;
  const handle = new DatabaseSync(path, { readOnly: true, timeout: 500 });
  try {
    handle.exec('PRAGMA cell_size_check = ON');
    if (pragma(handle, 'application_id') !== APPLICATION_ID) return;
    if (!isReadable(pragma(handle, 'user_version'))) return;
    const finding = String(handle.prepare('PRAGMA integrity_check(1)').get()?.integrity_check ?? 'no answer');
    if (finding !== 'ok') throw damaged(path, finding);
    verifyItems(handle, path);
    verifyChanges(handle, path);
  } finally {
    handle.close();
    // What the connection made for itself: the index of the log, and an empty log where there was none.
    rmSync(`${path}-shm`, { force: true });
    if (sizeOf(`${path}-wal`) === 0) rmSync(`${path}-wal`, { force: true });
  }
}

const sizeOf = (path: string): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0;

/** True when the tables were made just now. */
function prepare(handle: DatabaseSync, path: string, directory: string): boolean {
  handle.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA cell_size_check = ON;');
  handle.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA temp_store = MEMORY;');
  handle.exec('BEGIN IMMEDIATE');
  const version = pragma(handle, 'user_version');
  const application = pragma(handle, 'application_id');
  const fresh = version === 0 && application === 0 && tables(handle) === 0;
  if (fresh) {
    refuseCompanions(path, directory);
    handle.exec(SCHEMA);
    handle.exec(`PRAGMA user_version = ${SCHEMA_VERSION}; PRAGMA application_id = ${APPLICATION_ID};`);
  } else if (application !== APPLICATION_ID) {
    throw fail('unavailable', `${path} is no Microseg database; choose another data directory`);
  } else if (isReadable(version)) {
    // A database that is as it should be is not written to.
    if (version < SCHEMA_VERSION) {
      update(handle, path, version);
      handle.exec(`PRAGMA user_version = ${SCHEMA_VERSION}`);
    }
  } else {
    throw fail(
      'unavailable',
      `${path} has schema version ${version}, this release reads ${SCHEMA_VERSION}; run the release that wrote it`,
    );
  }
  handle.exec('COMMIT');
  return fresh;
}

const isReadable = (version: number): boolean => version >= OLDEST && version <= SCHEMA_VERSION;

const pragma = (handle: DatabaseSync, name: string): number =>
  Number(handle.prepare(`PRAGMA ${name}`).get()?.[name]);

const tables = (handle: DatabaseSync): number =>
  Number(handle.prepare('SELECT count(*) AS n FROM sqlite_schema').get()?.n);

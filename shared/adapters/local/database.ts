import { existsSync, mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { Failure, fail } from '../../schema/failure.ts';

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
const SCHEMA_VERSION = 1;

const SCHEMA = `
  CREATE TABLE items (
    pk TEXT NOT NULL, sk TEXT NOT NULL,
    object TEXT, crc INTEGER, id TEXT, updateTime TEXT,
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
  CREATE TABLE cursors (consumer TEXT PRIMARY KEY, cursor TEXT NOT NULL) STRICT;
  CREATE TABLE publications (
    pk TEXT NOT NULL, sk TEXT NOT NULL, namespace TEXT NOT NULL, marked INTEGER NOT NULL, published INTEGER NOT NULL,
    selectors TEXT NOT NULL, reaches TEXT NOT NULL, PRIMARY KEY (pk, sk)
  ) STRICT;
  CREATE TABLE events (seq INTEGER PRIMARY KEY AUTOINCREMENT, event TEXT NOT NULL) STRICT;
  CREATE TABLE deliveries (
    seq INTEGER NOT NULL REFERENCES events ON DELETE CASCADE, subscriber TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0, due INTEGER NOT NULL, dead INTEGER NOT NULL DEFAULT 0, error TEXT,
    PRIMARY KEY (seq, subscriber)
  ) STRICT;
`;

/** What a data directory holds beside the database; with it there, a missing database was lost, not never made. */
const COMPANIONS = ['microseg.db-wal', 'keys', 'bucket'];

/**
 * Opens `<directory>/microseg.db`, making both when there are none. Fails with `unavailable`, naming the file, when it
 * is damaged, foreign, missing beside data that belongs to it, or in use by another process. Nothing is ever repaired.
 */
export function openDatabase(directory: string): Database {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const path = join(directory, 'microseg.db');
  const fresh = !existsSync(path) || statSync(path).size === 0;
  const left = fresh ? COMPANIONS.find(name => existsSync(join(directory, name))) : undefined;
  if (left)
    throw fail(
      'unavailable',
      `${path} is missing or empty, but ${join(directory, left)} is there; restore the database from a backup or choose an empty data directory`,
    );

  const handle = open(path);
  try {
    prepare(handle, path);
  } catch (error) {
    handle.close();
    throw refused(path, error);
  }
  const { write, flush } = groupCommit(handle, path);
  const close = (): void => {
    flush();
    handle.close();
  };
  return { handle, path, fresh, write, close };
}

function open(path: string): DatabaseSync {
  try {
    return new DatabaseSync(path, { timeout: 500, enableForeignKeyConstraints: true });
  } catch (error) {
    throw refused(path, error);
  }
}

function prepare(handle: DatabaseSync, path: string): void {
  // Exclusive: a second process is kept out for as long as this one lives, and no lock outlives a kill -9.
  handle.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA cell_size_check = ON;');
  handle.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA temp_store = MEMORY;');
  handle.exec('BEGIN IMMEDIATE');
  const version = pragma(handle, 'user_version');
  const application = pragma(handle, 'application_id');
  if (version === 0 && application === 0 && tables(handle) === 0) {
    handle.exec(SCHEMA);
    handle.exec(`PRAGMA user_version = ${SCHEMA_VERSION}; PRAGMA application_id = ${APPLICATION_ID};`);
  } else if (application !== APPLICATION_ID) {
    throw fail('unavailable', `${path} is no Microseg database; choose another data directory`);
  } else if (version !== SCHEMA_VERSION) {
    throw fail(
      'unavailable',
      `${path} has schema version ${version}, this release reads ${SCHEMA_VERSION}; run the release that wrote it`,
    );
  }
  handle.exec('COMMIT');
  const findings = handle.prepare('PRAGMA quick_check(1)').all();
  const finding = String(findings[0]?.quick_check ?? 'no answer');
  if (finding !== 'ok') throw damaged(path, finding);
}

const pragma = (handle: DatabaseSync, name: string): number =>
  Number(handle.prepare(`PRAGMA ${name}`).get()?.[name]);

const tables = (handle: DatabaseSync): number =>
  Number(handle.prepare('SELECT count(*) AS n FROM sqlite_schema').get()?.n);

export const damaged = (path: string, finding: string): Failure =>
  fail('unavailable', `${path} is damaged (${finding}); it was left as it is: restore it from a backup`);

/** SQLite's result codes: https://www.sqlite.org/rescode.html; the low byte is the kind. */
const codeOf = (error: unknown): number =>
  error instanceof Error && 'errcode' in error && typeof error.errcode === 'number'
    ? error.errcode & 0xff
    : -1;

function refused(path: string, error: unknown): unknown {
  if (error instanceof Failure) return error;
  const why = error instanceof Error ? error.message : String(error);
  switch (codeOf(error)) {
    case 5:
    case 6:
      return fail(
        'unavailable',
        `${path} is in use by another process; stop it, or choose another data directory`,
      );
    case 11:
    case 26:
      return damaged(path, why);
    case 8:
    case 10:
    case 13:
    case 14:
      return fail(
        'unavailable',
        `${path} cannot be used: ${why}; check that the disk is writable and has space`,
      );
    default:
      return error;
  }
}

interface Job {
  work: () => unknown;
  done: (result: unknown) => void;
  failed: (error: unknown) => void;
}

/** The queue of one connection. Each job has a savepoint; all that were queued in one turn have one COMMIT. */
function groupCommit(handle: DatabaseSync, path: string): { write: Database['write']; flush: () => void } {
  let queue: Job[] = [];
  const save = handle.prepare('SAVEPOINT job');
  const release = handle.prepare('RELEASE job');
  const undo = handle.prepare('ROLLBACK TO job');

  const attempt = ({ work, done, failed }: Job): (() => void) => {
    save.run();
    try {
      const result = work();
      release.run();
      return () => done(result);
    } catch (error) {
      if (!handle.isTransaction) throw error;
      undo.run();
      release.run();
      return () => failed(refused(path, error));
    }
  };

  const flush = (): void => {
    const jobs = queue;
    if (jobs.length === 0) return;
    queue = [];
    try {
      handle.exec('BEGIN IMMEDIATE');
      const answers = jobs.map(attempt);
      handle.exec('COMMIT');
      for (const answer of answers) answer();
    } catch (error) {
      if (handle.isOpen && handle.isTransaction) handle.exec('ROLLBACK');
      const reason = refused(path, error);
      for (const job of jobs) job.failed(reason);
    }
  };

  const write = <T>(work: () => T): Promise<T> =>
    new Promise<T>((resolve, reject) => {
      if (queue.length === 0) setImmediate(flush);
      queue.push({ work, done: result => resolve(result as T), failed: reject });
    });
  return { write, flush };
}

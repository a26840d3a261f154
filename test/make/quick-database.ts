import type { Database } from '../../shared/adapters/local/database.ts';
import { openObjectStore } from '../../shared/adapters/local/object-store.ts';
import { openPublications } from '../../shared/adapters/local/publications.ts';
import type { Clock } from '../../shared/ports/clock.ts';
import type { ObjectStore } from '../../shared/ports/object-store.ts';
import type { Publications } from '../../shared/ports/publications.ts';
import { dataDirectory } from './data-directory.ts';

export interface QuickDatabase {
  database: Database;
  /** Closes it and removes its folder. */
  stop(): Promise<void>;
}

/** For thousands of small transactions, which would only wait for the disk: durability has tests of its own. */
export function quickDatabase(): QuickDatabase {
  const { open, stop } = dataDirectory();
  const database = open();
  database.handle.exec('PRAGMA synchronous = OFF');
  return { database, stop };
}

export interface QuickStore extends QuickDatabase {
  store: ObjectStore;
  publications: Publications;
}

/** The same with what is kept in it. */
export function quickStore(clock: Clock): QuickStore {
  const quick = quickDatabase();
  const { database } = quick;
  return { ...quick, store: openObjectStore(database, clock), publications: openPublications(database) };
}

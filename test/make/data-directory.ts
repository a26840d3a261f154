import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Database, openDatabase } from '../../shared/adapters/local/database.ts';

export interface DataDirectory {
  path: string;
  open(): Database;
  /** Closes what was opened and removes the directory. */
  stop(): Promise<void>;
}

/** An empty data directory of a one-process build. */
export function dataDirectory(): DataDirectory {
  const path = mkdtempSync(join(tmpdir(), 'microseg-'));
  const opened: Database[] = [];
  return {
    path,
    open: () => {
      const database = openDatabase(path);
      opened.push(database);
      return database;
    },
    stop: async () => {
      for (const { handle } of opened) if (handle.isOpen) handle.close();
      rmSync(path, { recursive: true });
    },
  };
}

import type { DatabaseSync } from 'node:sqlite';
import type { Database } from './database.ts';
import { refused } from './refusals.ts';

interface Job {
  work: () => unknown;
  done: (result: unknown) => void;
  failed: (error: unknown) => void;
}

/** The queue of one connection. Each job has a savepoint; all that were queued in one turn have one COMMIT. */
export function groupCommit(
  handle: DatabaseSync,
  path: string,
): { write: Database['write']; flush: () => void } {
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

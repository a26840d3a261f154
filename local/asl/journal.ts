import { createHash } from 'node:crypto';
import type { Database } from '../../shared/adapters/local/database.ts';
import { checksum } from '../../shared/adapters/local/items.ts';
import { damaged } from '../../shared/adapters/local/refusals.ts';
import type { Header, HistoryEvent, Running, Thread, Transition } from './execution.ts';
import { LIMITS } from './limits.ts';

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS workflow_definitions (digest TEXT PRIMARY KEY, text TEXT NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS workflow_executions (
    workflow TEXT NOT NULL, name TEXT NOT NULL,
    header TEXT NOT NULL, crc INTEGER NOT NULL,
    definition TEXT NOT NULL REFERENCES workflow_definitions, closed INTEGER,
    PRIMARY KEY (workflow, name)
  ) STRICT;
  CREATE INDEX IF NOT EXISTS workflow_closed ON workflow_executions (closed);
  CREATE TABLE IF NOT EXISTS workflow_threads (
    workflow TEXT NOT NULL, name TEXT NOT NULL, id TEXT NOT NULL, thread TEXT NOT NULL, crc INTEGER NOT NULL,
    PRIMARY KEY (workflow, name, id),
    FOREIGN KEY (workflow, name) REFERENCES workflow_executions ON DELETE CASCADE
  ) STRICT;
  CREATE TABLE IF NOT EXISTS workflow_history (
    workflow TEXT NOT NULL, name TEXT NOT NULL, seq INTEGER NOT NULL,
    time INTEGER NOT NULL, type TEXT NOT NULL, state TEXT, detail TEXT,
    PRIMARY KEY (workflow, name, seq),
    FOREIGN KEY (workflow, name) REFERENCES workflow_executions ON DELETE CASCADE
  ) STRICT;
`;

/** An execution that was left running, and the text of the machine that it was started with. */
export interface Unfinished {
  execution: Running;
  definition: string;
}

/** Executions on disk. What resolves is durable; a transition is there whole or not at all. */
export interface Journal {
  /** False when the name is taken; nothing is written then. */
  begin(header: Header, thread: Thread, definition: string): Promise<boolean>;
  record(transition: Transition, now: Date): Promise<void>;
  header(workflow: string, name: string): Header | undefined;
  /** What happened, in order, each with its time in milliseconds since the epoch. */
  history(workflow: string, name: string): (HistoryEvent & { time: number })[];
  unfinished(): Unfinished[];
}

export type JournalDatabase = Pick<Database, 'handle' | 'path' | 'write'>;

/** Opens the workflow tables of a database, and forgets executions that closed longer ago than AWS keeps them. */
export function openJournal({ handle, path, write }: JournalDatabase, now: Date): Journal {
  handle.exec(SCHEMA);
  const oldest = now.getTime() - LIMITS.retentionDays * 24 * 60 * 60 * 1000;
  handle.prepare('DELETE FROM workflow_executions WHERE closed < ?').run(oldest);

  const define = handle.prepare('INSERT OR IGNORE INTO workflow_definitions VALUES (?, ?)');
  const insert = handle.prepare('INSERT OR IGNORE INTO workflow_executions VALUES (?, ?, ?, ?, ?, NULL)');
  const update = handle.prepare(
    'UPDATE workflow_executions SET header = ?, crc = ?, closed = ? WHERE workflow = ? AND name = ?',
  );
  const putThread = handle.prepare('INSERT OR REPLACE INTO workflow_threads VALUES (?, ?, ?, ?, ?)');
  const dropThread = handle.prepare(
    'DELETE FROM workflow_threads WHERE workflow = ? AND name = ? AND id = ?',
  );
  const addEvent = handle.prepare('INSERT INTO workflow_history VALUES (?, ?, ?, ?, ?, ?, ?)');
  const readHeader = handle.prepare(
    'SELECT header, crc FROM workflow_executions WHERE workflow = ? AND name = ?',
  );
  const readThreads = handle.prepare(
    'SELECT thread, crc FROM workflow_threads WHERE workflow = ? AND name = ? ORDER BY id',
  );
  const readHistory = handle.prepare(
    'SELECT time, type, state, detail FROM workflow_history WHERE workflow = ? AND name = ? ORDER BY seq',
  );
  const readUnfinished = handle.prepare(
    `SELECT header, crc, digest, text FROM workflow_executions JOIN workflow_definitions ON digest = definition
     WHERE closed IS NULL ORDER BY workflow, name`,
  );

  const store = ({ header, put, drop, history }: Transition, now: Date): void => {
    const { workflow, name, status, events } = header;
    const text = JSON.stringify(header);
    update.run(text, checksum(text), status === 'RUNNING' ? null : now.getTime(), workflow, name);
    for (const id of drop) dropThread.run(workflow, name, id);
    for (const thread of put) {
      const text = JSON.stringify(thread);
      putThread.run(workflow, name, thread.id, text, checksum(text));
    }
    for (const [index, { type, state = null, detail = null }] of history.entries()) {
      addEvent.run(workflow, name, events - history.length + index + 1, now.getTime(), type, state, detail);
    }
  };

  return {
    begin: (header, thread, definition) =>
      write(() => {
        const digest = digestOf(definition);
        define.run(digest, definition);
        const { workflow, name, started } = header;
        const text = JSON.stringify(header);
        const inserted = insert.run(workflow, name, text, checksum(text), digest);
        if (inserted.changes === 0) return false;
        store(
          { header, put: [thread], drop: [], history: [{ type: 'ExecutionStarted' }] },
          new Date(started),
        );
        return true;
      }),
    record: (transition, now) => write(() => store(transition, now)),
    header: (workflow, name) => {
      const row = readHeader.get(workflow, name);
      return row && whole<Header>(row.header, row.crc, path);
    },
    history: (workflow, name) =>
      readHistory.all(workflow, name).map(({ time, type, state, detail }) => ({
        time: Number(time),
        type: String(type),
        ...(state === null ? {} : { state: String(state) }),
        ...(detail === null ? {} : { detail: String(detail) }),
      })),
    unfinished: () =>
      readUnfinished.all().map(row => {
        const definition = String(row.text);
        if (digestOf(definition) !== row.digest)
          throw damaged(path, `state machine ${row.digest} was changed`);
        const header = whole<Header>(row.header, row.crc, path);
        const threads = readThreads
          .all(header.workflow, header.name)
          .map(found => whole<Thread>(found.thread, found.crc, path));
        return {
          execution: { header, threads: new Map(threads.map(thread => [thread.id, thread])) },
          definition,
        };
      }),
  };
}

const digestOf = (definition: string): string => createHash('sha256').update(definition).digest('hex');

/** What was written, unless it differs from its checksum. */
function whole<T>(text: unknown, crc: unknown, path: string): T {
  if (typeof text === 'string' && checksum(text) === crc) return JSON.parse(text);
  throw damaged(path, `a workflow's state does not match its checksum: ${String(text).slice(0, 80)}`);
}

import { type FileHandle, open, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../ports/clock.ts';
import type { FlowStore } from '../../ports/flow-store.ts';
import { fail } from '../../schema/failure.ts';
import { DAY, dayOf, dayPrefix, lineOf, tenantPrefix } from '../flows/line.ts';
import { flowReader, type Segments } from '../flows/read.ts';
import { makeDirectory, syncDirectory } from './files.ts';
import { damaged } from './refusals.ts';

export interface LocalFlowStore extends FlowStore {
  close(): Promise<void>;
}

/** Bytes after which a new segment is begun. */
const SEGMENT = 8 * 1024 * 1024;
/** Segments that are kept open for more. */
const OPEN = 32;
const SUFFIX = '.ndjson';

interface Job {
  text: string;
  done: () => void;
  failed: (error: unknown) => void;
}

/** The end of one partition: what waits while a write is under way goes together with one sync. */
class Tail {
  readonly #folder: string;
  readonly #name: () => string;
  #segment: { handle: FileHandle; size: number } | undefined;
  #waiting: Job[] = [];
  #writing: Promise<void> | undefined;

  constructor(folder: string, name: () => string) {
    this.#folder = folder;
    this.#name = name;
  }

  append(text: string): Promise<void> {
    return new Promise((done, failed) => {
      this.#waiting.push({ text, done, failed });
      this.#writing ??= this.#write().finally(() => {
        this.#writing = undefined;
      });
    });
  }

  async #write(): Promise<void> {
    for (let jobs = this.#waiting; jobs.length > 0; jobs = this.#waiting) {
      this.#waiting = [];
      try {
        await this.#put(Buffer.from(jobs.map(({ text }) => text).join('')));
        for (const { done } of jobs) done();
      } catch (error) {
        // A part of a line may be there: nothing may follow it.
        await this.#finish().catch(() => {});
        const reason = fail(
          'unavailable',
          `flow reports cannot be written below ${this.#folder}: ${error instanceof Error ? error.message : error}`,
        );
        for (const { failed } of jobs) failed(reason);
      }
    }
  }

  async #put(bytes: Buffer): Promise<void> {
    this.#segment ??= await this.#begin();
    await this.#segment.handle.appendFile(bytes);
    await this.#segment.handle.datasync();
    this.#segment.size += bytes.length;
    if (this.#segment.size >= SEGMENT) await this.#finish();
  }

  /** Never one that is there: what a killed process left may end within a line. */
  async #begin(): Promise<{ handle: FileHandle; size: number }> {
    await makeDirectory(this.#folder, 0o700);
    const handle = await open(join(this.#folder, this.#name()), 'ax', 0o600);
    await syncDirectory(this.#folder);
    return { handle, size: 0 };
  }

  async #finish(): Promise<void> {
    const segment = this.#segment;
    this.#segment = undefined;
    await segment?.handle.close();
  }

  async close(): Promise<void> {
    await this.#writing;
    await this.#finish();
  }
}

/** Flow records as lines of JSON in files, a folder for each tenant and day, below `directory`. */
export function openFlowStore(directory: string, clock: Clock): LocalFlowStore {
  const tails = new Map<string, Tail>();
  const name = (): string =>
    `${clock.now().getTime().toString(16).padStart(12, '0')}-${Buffer.from(clock.randomBytes(6)).toString('hex')}${SUFFIX}`;

  /** The end of a partition; the one that was used longest ago is closed when there are many. */
  const tailOf = (prefix: string): Tail => {
    const tail = tails.get(prefix) ?? new Tail(join(directory, prefix), name);
    tails.delete(prefix);
    tails.set(prefix, tail);
    const [oldest] = tails;
    if (tails.size > OPEN && oldest) {
      tails.delete(oldest[0]);
      void oldest[1].close();
    }
    return tail;
  };

  return {
    append: async (tenant, reports) => {
      const texts = new Map<string, string[]>();
      for (const report of reports) {
        const prefix = dayPrefix(tenant, dayOf(report.timestamp));
        const lines = texts.get(prefix);
        if (lines) lines.push(lineOf(report));
        else texts.set(prefix, [lineOf(report)]);
      }
      await Promise.all([...texts].map(([prefix, lines]) => tailOf(prefix).append(lines.join(''))));
    },
    ...flowReader(segmentsIn(directory)),
    close: async () => {
      await Promise.all([...tails.values()].map(tail => tail.close()));
      tails.clear();
    },
  };
}

const segmentsIn = (directory: string): Segments => ({
  days: async tenant => {
    const names = await namesIn(join(directory, tenantPrefix(tenant)));
    return names.flatMap(name => DAY.exec(name)?.[1] ?? []);
  },
  of: async (tenant, day) => {
    const prefix = dayPrefix(tenant, day);
    const names = await namesIn(join(directory, prefix));
    const segments = names.filter(name => name.endsWith(SUFFIX)).map(name => `${prefix}${name}`);
    return Promise.all(segments.map(async key => ({ key, size: (await stat(join(directory, key))).size })));
  },
  text: ({ key, size }) => readFile(join(directory, key)).then(text => text.subarray(0, size)),
  damaged: ({ key }) => damaged(join(directory, key), 'a line of it is no flow record'),
});

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  }
}

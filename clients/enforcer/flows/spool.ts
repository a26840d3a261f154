import { readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { makeFolder, writeWhole } from '../files.ts';

/** What an earlier run left. A folder that can't be made or cleaned has nothing, until something can be kept there. */
function namesIn(folder: string): string[] {
  try {
    makeFolder(folder);
    const names = readdirSync(folder).sort();
    for (const name of names) if (name.endsWith('.new')) rmSync(join(folder, name), { force: true });
    return names;
  } catch {
    return [];
  }
}

/** A batch of reports on disk. */
export interface Spooled {
  name: string;
  text: string;
}

const NAME = /^(\d{12})\.(\d+)\.json$/;

/**
 * Batches that wait for the control plane, in files, oldest first. When there are more bytes than allowed, or the disk is
 * full, the oldest make room for the newest, and how many reports that cost is counted.
 */
export class Spool {
  readonly #folder: string;
  readonly #limit: number;
  /** Names in order, with their bytes. */
  readonly #batches = new Map<string, number>();
  #bytes = 0;
  #next = 1;
  /** Reports that were given up, since the start. */
  dropped = 0;

  /** `limit`: bytes. Takes over what an earlier run left there. */
  constructor(folder: string, limit: number) {
    this.#folder = folder;
    this.#limit = limit;
    for (const name of namesIn(folder)) {
      const number = Number(NAME.exec(name)?.[1]);
      if (Number.isInteger(number)) {
        this.#keep(name, statSync(join(folder, name)).size);
        this.#next = number + 1;
      }
    }
  }

  get bytes(): number {
    return this.#bytes;
  }

  get size(): number {
    return this.#batches.size;
  }

  /** Keeps a batch of `count` reports, whatever it costs the older ones. */
  add(text: string, count: number): void {
    const bytes = Buffer.byteLength(text);
    if (bytes > this.#limit) {
      this.dropped += count;
      return;
    }
    while (this.#bytes + bytes > this.#limit && this.#dropOldest());
    const name = `${String(this.#next++).padStart(12, '0')}.${count}.json`;
    for (;;) {
      try {
        makeFolder(this.#folder);
        writeWhole(join(this.#folder, name), text);
        this.#keep(name, bytes);
        return;
      } catch {
        // A full disk, most likely. What is older has been kept the longest.
        if (!this.#dropOldest()) break;
      }
    }
    this.dropped += count;
  }

  /** The oldest batch; undefined when none waits. One that can't be read is given up. */
  oldest(): Spooled | undefined {
    for (const name of this.#batches.keys()) {
      try {
        const text = readFileSync(join(this.#folder, name), 'utf8');
        JSON.parse(text);
        return { name, text };
      } catch {
        this.#dropOldest();
      }
    }
    return undefined;
  }

  /** It arrived. */
  done(name: string): void {
    const bytes = this.#batches.get(name);
    if (bytes === undefined) return;
    rmSync(join(this.#folder, name), { force: true });
    this.#batches.delete(name);
    this.#bytes -= bytes;
  }

  #keep(name: string, bytes: number): void {
    this.#batches.set(name, bytes);
    this.#bytes += bytes;
  }

  #dropOldest(): boolean {
    const [name] = this.#batches.keys();
    if (name === undefined) return false;
    this.dropped += Number(NAME.exec(name)?.[2] ?? 0);
    this.done(name);
    return true;
  }
}

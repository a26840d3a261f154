import { readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { makeFolder, writeWhole } from '../files.ts';

/** A disk that nothing can be taken away from keeps it, and the next run finds it there again. */
function remove(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // Read-only.
  }
}

/** What an earlier run left. A folder that can't be made or read has nothing, until something can be kept there. */
function namesIn(folder: string): string[] {
  try {
    makeFolder(folder);
    const names = readdirSync(folder).sort();
    for (const name of names) if (name.endsWith('.new')) remove(join(folder, name));
    return names;
  } catch {
    return [];
  }
}

/** A batch of reports that waits. */
export interface Spooled {
  name: string;
  text: string;
}

interface Waiting {
  bytes: number;
  /** Of one that the disk did not take. */
  text?: string;
}

export interface SpoolLimits {
  /** Bytes that wait, wherever. */
  all: number;
  /** Bytes of it that wait in memory, because the disk takes nothing. */
  memory: number;
}

/**
 * Bytes of a file to which more is added. File systems give out whole blocks, of which what comes in a second fills little. So many hold
 * far fewer reports than a batch may have.
 */
const SMALL = 64 * 1024;

const NAME = /^(\d{12})\.(\d+)\.json$/;
const nameOf = (number: number, count: number): string => `${String(number).padStart(12, '0')}.${count}.json`;
const countIn = (name: string): number => Number(NAME.exec(name)?.[2] ?? 0);

/**
 * Batches that wait for the control plane, in files, oldest first; in memory, as long as the disk takes none. When there are more
 * bytes than allowed, the oldest make room for the newest, and how many reports that cost is counted.
 */
export class Spool {
  readonly #folder: string;
  readonly #limits: SpoolLimits;
  /** Names in order. */
  readonly #batches = new Map<string, Waiting>();
  #bytes = 0;
  #held = 0;
  #next = 1;
  /** Why the disk takes nothing, as long as anything waits. */
  #fault: string | undefined;
  #isCrowded = false;
  /** Reports that were given up, since the start. */
  dropped = 0;

  /** Takes over what an earlier run left there. */
  constructor(folder: string, limits: SpoolLimits) {
    this.#folder = folder;
    this.#limits = limits;
    for (const name of namesIn(folder)) {
      const number = Number(NAME.exec(name)?.[1]);
      if (!Number.isInteger(number)) continue;
      this.#keep(name, { bytes: statSync(join(folder, name)).size });
      this.#next = number + 1;
    }
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Batches, wherever they wait. */
  get size(): number {
    return this.#batches.size;
  }

  /** Batches that wait in memory alone, and would not outlive this run. */
  get held(): Spooled[] {
    return [...this.#batches].flatMap(([name, { text }]) => (text === undefined ? [] : [{ name, text }]));
  }

  /** What somebody should do something about; undefined: nothing. */
  get trouble(): string | undefined {
    const given = this.#isCrowded ? ', and the oldest are given up' : '';
    if (this.#fault !== undefined)
      return `flow reports can't be kept on disk (${this.#fault}); they wait in memory${given}`;
    return this.#isCrowded
      ? 'more flow reports wait than --spool-limit allows, and the oldest are given up'
      : undefined;
  }

  /** Keeps a batch of `count` reports, whatever it costs the older ones. */
  add(text: string, count: number): void {
    const bytes = Buffer.byteLength(text);
    if (bytes > this.#limits.all) {
      this.dropped += count;
      return;
    }
    while (this.#bytes + bytes > this.#limits.all && this.#dropOldest());
    const name = nameOf(this.#next++, count);
    this.settle();
    do {
      const isWritten = this.#write(name, text);
      if (isWritten || this.#held + bytes <= this.#limits.memory) {
        this.#keep(name, isWritten ? { bytes } : { bytes, text });
        return;
      }
      // What is older has been kept the longest, and may leave room on the disk.
    } while (this.#dropOldest());
    this.dropped += count;
  }

  /**
   * Keeps `count` reports with the newest ones on disk, where these are few; `both` makes one text of what there is. False: nothing is kept,
   * and they must be apart. A crash may leave the smaller file beside the larger one, whose reports then arrive twice.
   */
  join(count: number, both: (text: string) => string): boolean {
    const name = [...this.#batches.keys()].at(-1) ?? '';
    const newest = this.#batches.get(name);
    if (!newest || newest.text !== undefined || newest.bytes > SMALL) return false;
    const path = join(this.#folder, name);
    try {
      const text = both(readFileSync(path, 'utf8'));
      const bytes = Buffer.byteLength(text);
      if (bytes > SMALL || this.#bytes - newest.bytes + bytes > this.#limits.all) return false;
      const next = nameOf(this.#next++, countIn(name) + count);
      if (!this.#write(next, text)) return false;
      this.#keep(next, { bytes });
      this.#forget(name);
      remove(path);
      return true;
    } catch {
      // It is damaged: whoever asks for it next gives it up.
      return false;
    }
  }

  /** Brings what waits in memory to the disk, as far as it takes it. */
  settle(): void {
    if (this.#held === 0) return;
    for (const { name, text } of this.held) {
      if (!this.#write(name, text)) return;
      const waiting = this.#batches.get(name);
      if (!waiting) continue;
      delete waiting.text;
      this.#held -= waiting.bytes;
    }
  }

  /** The oldest batch; undefined when none waits. One that can't be read is given up. */
  oldest(): Spooled | undefined {
    for (const name of this.#batches.keys()) {
      try {
        const text = this.#batches.get(name)?.text ?? readFileSync(join(this.#folder, name), 'utf8');
        JSON.parse(text);
        return { name, text };
      } catch {
        this.#giveUp(name);
      }
    }
    return undefined;
  }

  /** It arrived. */
  done(name: string): void {
    if (this.#forget(name)?.text === undefined) remove(join(this.#folder, name));
    if (this.size > 0) return;
    this.#fault = undefined;
    this.#isCrowded = false;
  }

  /** What waits in memory alone is lost; gives how many reports that are. */
  abandon(): number {
    const before = this.dropped;
    for (const { name } of this.held) this.#giveUp(name);
    return this.dropped - before;
  }

  #write(name: string, text: string): boolean {
    try {
      makeFolder(this.#folder);
      writeWhole(join(this.#folder, name), text);
      this.#fault = undefined;
      return true;
    } catch (error) {
      this.#fault = error instanceof Error && 'code' in error ? String(error.code) : String(error);
      return false;
    }
  }

  #keep(name: string, waiting: Waiting): void {
    this.#batches.set(name, waiting);
    this.#bytes += waiting.bytes;
    if (waiting.text !== undefined) this.#held += waiting.bytes;
  }

  #forget(name: string): Waiting | undefined {
    const waiting = this.#batches.get(name);
    if (!waiting) return undefined;
    this.#batches.delete(name);
    this.#bytes -= waiting.bytes;
    if (waiting.text !== undefined) this.#held -= waiting.bytes;
    return waiting;
  }

  #giveUp(name: string): void {
    this.dropped += countIn(name);
    this.done(name);
  }

  #dropOldest(): boolean {
    const [name] = this.#batches.keys();
    if (name === undefined) return false;
    this.#giveUp(name);
    this.#isCrowded = true;
    return true;
  }
}

import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { type Clock, waitAfter } from '../clock.ts';
import { ownEnvironment } from '../strays.ts';

/** A program that runs as long as the agent does, and that is started again whenever it ends. */
export interface ChildOptions {
  /** Gives the command line; asked at every start. */
  command: () => readonly [string, ...string[]];
  /** Reads its output, anew at every start. What it throws ends the child. */
  reader: () => (chunk: Buffer) => void;
  /** Why it ended: its last words, or how. */
  ended: (reason: string) => void;
  clock: Clock;
  /** Where its process ID is kept, so that one that outlived a killed agent is ended before the next is started. */
  pidFile?: string;
}

/** A child that ran for so long had started well, so that the next wait is a short one again. */
const STEADY = 10_000;
const WAITS = { interval: 100, longest: 30_000 };
/** Bytes of its last words that are kept. */
const LAST_WORDS = 500;

export class Child {
  readonly #options: ChildOptions;
  readonly #stopping = new AbortController();
  #running: Promise<void> | undefined;
  #process: ChildProcess | undefined;
  /** Starts after the first. */
  restarts = -1;

  constructor(options: ChildOptions) {
    this.#options = options;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  /** Process ID of the one that runs. */
  get pid(): number | undefined {
    return this.#process?.pid;
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#process?.kill('SIGTERM');
    await this.#running;
  }

  async #run(): Promise<void> {
    const { clock, ended } = this.#options;
    const { signal } = this.#stopping;
    endEarlier(this.#options.pidFile, this.#options.command());
    for (let failures = 0; !signal.aborted; ) {
      this.restarts++;
      const begun = clock.elapsed();
      const reason = await this.#once();
      if (signal.aborted) break;
      ended(reason);
      failures = clock.elapsed() - begun > STEADY ? 0 : failures + 1;
      await clock.sleep(waitAfter(WAITS, failures, clock.random()), signal);
    }
    if (this.#options.pidFile) rmSync(this.#options.pidFile, { force: true });
  }

  #once(): Promise<string> {
    const { command, reader, pidFile } = this.#options;
    const [program, ...args] = command();
    const read = reader();
    return new Promise(resolve => {
      const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], env: ownEnvironment() });
      this.#process = child;
      if (pidFile && child.pid !== undefined) keep(pidFile, child.pid);
      let words = '';
      let broken: string | undefined;
      child.stderr.setEncoding('utf8').on('data', (text: string) => {
        words = (words + text).slice(-LAST_WORDS);
      });
      (child.stdout as Readable).on('data', (chunk: Buffer) => {
        try {
          if (broken === undefined) read(chunk);
        } catch (error) {
          broken = error instanceof Error ? error.message : String(error);
          child.kill('SIGKILL');
        }
      });
      child.once('error', error => resolve(`${program}: ${error.message}`));
      child.once('close', (code, signal) => {
        this.#process = undefined;
        const how = signal ? `ended by ${signal}` : `ended with ${code}`;
        resolve(`${program}: ${broken ?? how}${words ? `; it said: ${words.trim()}` : ''}`);
      });
    });
  }
}

/** Without it an orphan can't be told later; that is no reason not to run. */
function keep(pidFile: string, pid: number): void {
  try {
    writeFileSync(pidFile, `${pid}\n`, { mode: 0o600 });
  } catch {
    // A full disk: the child itself needs none.
  }
}

/** Ends the child of an agent that was killed, if the process of that number still is that program. */
function endEarlier(pidFile: string | undefined, command: readonly string[]): void {
  if (pidFile === undefined) return;
  try {
    const pid = Number(readFileSync(pidFile, 'utf8'));
    const running = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').slice(0, -1);
    if (Number.isInteger(pid) && running.join('\0') === command.join('\0')) process.kill(pid, 'SIGKILL');
  } catch {
    // There is none.
  }
}

import { readFile } from 'node:fs/promises';
import { fail } from '../../shared/schema/failure.ts';

/** Everything that the command line has from outside. main.ts fills it from the process, tests from memory. */
export interface Io {
  env: Readonly<Record<string, string | undefined>>;
  /** The user's home directory. */
  home: string;
  /** Width for help texts. */
  columns: number;
  /** Lines of the screen. */
  rows: number;
  /** Standard output is a screen, on which what was written can be written over. */
  isScreen: boolean;
  /** Standard error is one. */
  errIsScreen: boolean;
  /** Aborts when the user asks for the end. Until this is called, Ctrl-C ends the process. */
  interrupted(): AbortSignal;
  /** Waits so many milliseconds, or until the signal aborts. */
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void>;
  /** All of standard input. */
  stdin(): Promise<string>;
  out(text: string): void;
  err(text: string): void;
  fetch: typeof fetch;
  /** Milliseconds since the epoch. */
  now: () => number;
  randomBytes: (size: number) => Uint8Array;
}

const reasons: Record<string, string> = {
  ENOENT: 'there is no such file',
  EACCES: 'its permissions forbid it',
  EISDIR: 'it is a directory',
};

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';

/** The text of a file; `-` is standard input, `~/` the home directory. */
export async function readText(io: Io, path: string): Promise<string> {
  if (path === '-') return io.stdin();
  const full = path.startsWith('~/') ? `${io.home}${path.slice(1)}` : path;
  try {
    return await readFile(full, 'utf8');
  } catch (error) {
    throw fail('not_found', `cannot read ${path}: ${reasons[codeOf(error)] ?? String(error)}`);
  }
}

/** As readText, but undefined for a file that is not there. */
export async function readTextIfAny(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw fail('not_found', `cannot read ${path}: ${reasons[codeOf(error)] ?? String(error)}`);
  }
}

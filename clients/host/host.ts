import { execFile } from 'node:child_process';
import { access, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** A host as facts are collected from it. What cannot be read is not there. */
export interface Host {
  read(path: string): Promise<string | undefined>;
  /** Names in a folder, sorted; empty when there is none. */
  list(path: string): Promise<string[]>;
  exists(path: string): Promise<boolean>;
  /** What a command prints; undefined when there is none or it fails. */
  run(command: string, ...args: string[]): Promise<string | undefined>;
}

/** Milliseconds that a command may take. */
const PATIENCE = 10_000;

const orNothing = async <T>(work: Promise<T>): Promise<T | undefined> => work.catch(() => undefined);

type Run = Host['run'];

const here: Run = async (command, ...args) => {
  const options = { timeout: PATIENCE, maxBuffer: 16 * 1024 * 1024 };
  return (await orNothing(promisify(execFile)(command, args, options)))?.stdout;
};

/**
 * A copy of a host's files in a folder. Nothing is run there: what commands had printed lies in `commands.json`, an
 * object from command line to output.
 */
const recorded =
  (root: string): Run =>
  async (command, ...args) => {
    const text = await orNothing(readFile(join(root, 'commands.json'), 'utf8'));
    const outputs: Record<string, string> = text === undefined ? {} : JSON.parse(text);
    return outputs[[command, ...args].join(' ')];
  };

/** This host, or the copy of one in a folder. */
export const hostAt = (root: string): Host => ({
  read: path => orNothing(readFile(join(root, path), 'utf8')),
  list: async path => ((await orNothing(readdir(join(root, path)))) ?? []).sort(),
  exists: async path => (await orNothing(access(join(root, path)).then(() => true))) ?? false,
  run: root === '/' ? here : recorded(root),
});

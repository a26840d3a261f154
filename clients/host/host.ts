import { execFile } from 'node:child_process';
import { access, readdir, readFile, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** A host as facts are collected from it. What cannot be read is not there. */
export interface Host {
  read(path: string): Promise<string | undefined>;
  /** Names in a folder, sorted; empty when there is none. */
  list(path: string): Promise<string[]>;
  exists(path: string): Promise<boolean>;
  /** Bytes that others than root may still write there. */
  free(path: string): Promise<number | undefined>;
  /** What a command prints; undefined when there is none or it fails. */
  run(command: string, ...args: string[]): Promise<string | undefined>;
  /** What nft says of rules that it is to check and not to load; empty: it takes them. Undefined where it can't be asked. */
  check(rules: string): Promise<string | undefined>;
}

/** What nft says of an expression: `/dev/stdin:3:19-23: Error: Could not process rule: No such file or directory`, and the line that it is in. */
export const COMPLAINT = /^[^\s:]*:\d+:(\d+)-(\d+): Error: (.*)\n(.*)$/gm;

/** Milliseconds that a command may take. */
const PATIENCE = 10_000;

const orNothing = async <T>(work: Promise<T>): Promise<T | undefined> => work.catch(() => undefined);

type Run = Host['run'];

const here: Run = async (command, ...args) => {
  const options = { timeout: PATIENCE, maxBuffer: 16 * 1024 * 1024 };
  return (await orNothing(promisify(execFile)(command, args, options)))?.stdout;
};

/**
 * In a network namespace of its own: rules that read the state of connections would have the kernel track some for a moment, even
 * those that are only checked. Of connections that it meets in the middle it remembers the wrong end as the one that asked.
 */
const TRY = ['unshare', '--net', 'nft', '-c', '-f', '-'] as const;

/** What nft says of rules; undefined where it says nothing of them. */
export const checkBy =
  ([command, ...args]: readonly [string, ...string[]]): Host['check'] =>
  rules =>
    new Promise(resolve => {
      const child = execFile(command, args, { timeout: PATIENCE }, (error, _, stderr) => {
        // unshare or nft may not, or there is none: nothing is said about the rules.
        const isAsked = stderr.search(COMPLAINT) >= 0 && !/Operation not permitted/.test(stderr);
        resolve(error === null ? '' : isAsked ? stderr : undefined);
      });
      child.stdin?.on('error', () => undefined).end(rules);
    });

/**
 * A copy of a host's files in a folder. Nothing is run there: what commands had printed lies in `commands.json`, an
 * object from command line to output; of a check of rules, what nft complained of.
 */
const recorded =
  (root: string): Run =>
  async (command, ...args) => {
    const text = await orNothing(readFile(join(root, 'commands.json'), 'utf8'));
    const outputs: Record<string, string> = text === undefined ? {} : JSON.parse(text);
    return outputs[[command, ...args].join(' ')];
  };

const freeHere: Host['free'] = path => orNothing(statfs(path).then(({ bavail, bsize }) => bavail * bsize));

/** As `df` printed it, in units of 1024 bytes. */
const freeIn =
  (root: string): Host['free'] =>
  async path => {
    const said = (await recorded(root)('df', '-Pk', path)) ?? '';
    return Number(/(\d+)\s+\d+%\s+\S+\s*$/.exec(said)?.[1] ?? 0) * 1024;
  };

/** This host, or the copy of one in a folder. */
export const hostAt = (root: string): Host => ({
  read: path => orNothing(readFile(join(root, path), 'utf8')),
  list: async path => ((await orNothing(readdir(join(root, path)))) ?? []).sort(),
  exists: async path => (await orNothing(access(join(root, path)).then(() => true))) ?? false,
  free: root === '/' ? freeHere : freeIn(root),
  run: root === '/' ? here : recorded(root),
  check: root === '/' ? checkBy(TRY) : () => recorded(root)(TRY.join(' ')),
});

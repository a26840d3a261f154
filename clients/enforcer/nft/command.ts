import { spawn } from 'node:child_process';
import { Readable } from 'node:stream';

/** What nft answered. */
export interface Ran {
  code: number;
  stdout: string;
  /** Its words about what is wrong; at most a few lines. */
  stderr: string;
}

/**
 * Runs `nft` with these arguments and this on its standard input. With `line`, what it prints goes there, line by line,
 * and is not kept.
 */
export type Nft = (args: readonly string[], input?: Input, line?: (text: string) => void) => Promise<Ran>;

/** Text, or where there may be much of it its pieces, which are made as they are read. */
export type Input = string | { pieces: Iterable<string> };

export const textOf = (input: Input): string =>
  typeof input === 'string' ? input : [...input.pieces].join('');

/** Characters of nft's complaints that are kept: it repeats the whole line that it stumbled over. */
const KEPT = 2000;

/** Characters of a line from which on it is cut. */
const LONG = 16_384;
/** What nft itself begins a line with that goes on with elements. */
const MORE = '\t\t\t     ';

/**
 * What comes in pieces, line by line. All that nft prints of our table is ASCII. It prints what counts on one line, however
 * many elements there are: so elements are also handed on where one ends, as if it had broken the line there.
 */
export function inLines(line: (text: string) => void): (piece: string) => void {
  let rest = '';
  return piece => {
    const lines = (rest + piece).split('\n');
    rest = lines.pop() ?? '';
    for (const text of lines) line(text);
    if (rest.length < LONG || !(rest.startsWith('\t\telements = {') || rest.startsWith(MORE))) return;
    const end = rest.lastIndexOf(', ') + 1;
    if (end === 0) return;
    line(rest.slice(0, end));
    rest = MORE + rest.slice(end + 1);
  };
}

/** Milliseconds that it may take: the largest loads take seconds. */
const PATIENCE = 120_000;
/** What `timeout` ends with as well. */
export const NO_ANSWER = 124;
/** There is no such program, as shells say it. */
export const ABSENT = 127;

/** Characters that are sent at a time: a large policy at once would leave a hole of its size in the process's memory. */
const PIECE = 65_536;

function* pieces(input: Input): Generator<string> {
  if (typeof input === 'string') {
    for (let at = 0; at < input.length; at += PIECE) yield input.slice(at, at + PIECE);
    return;
  }
  let together: string[] = [];
  let size = 0;
  for (const piece of input.pieces) {
    together.push(piece);
    size += piece.length;
    if (size < PIECE) continue;
    yield together.join('');
    together = [];
    size = 0;
  }
  yield together.join('');
}

/**
 * `command`: the program and what stands before its arguments, such as `['nft']`, or `['nsenter', '--net=…', 'nft']` for
 * another network namespace. Code 127: it cannot be started. Code 124: it gave no answer and was ended, so that nobody knows what
 * it did.
 */
export const nftCommand =
  (command: readonly string[] = ['nft'], patience: number = PATIENCE): Nft =>
  (args, input = '', line) =>
    new Promise((done, failed) => {
      const [program = 'nft', ...first] = command;
      const child = spawn(program, [...first, ...args], { stdio: ['pipe', 'pipe', 'pipe'] });
      const out: Buffer[] = [];
      let stderr = '';
      const push = line && inLines(line);
      child.stdout.on('data', (chunk: Buffer) => {
        try {
          if (push) push(chunk.toString('latin1'));
          else out.push(chunk);
        } catch (error) {
          child.kill();
          failed(error);
        }
      });
      child.stderr.on('data', (chunk: Buffer) => {
        if (stderr.length < KEPT) stderr += chunk.toString().slice(0, KEPT);
      });
      const late = setTimeout(() => {
        // Who waits in the kernel does not even end.
        child.kill('SIGKILL');
        done({ code: NO_ANSWER, stdout: '', stderr: `no answer within ${patience / 1000} s` });
      }, patience);
      child.once('close', () => clearTimeout(late));
      child.once('error', error => done({ code: ABSENT, stdout: '', stderr: error.message }));
      child.once('close', code => done({ code: code ?? 1, stdout: Buffer.concat(out).toString(), stderr }));
      // It may end before it has read everything; what it says about that is its answer.
      child.stdin.on('error', () => undefined);
      const source = Readable.from(pieces(input));
      // Nothing is done of what does not come to its end.
      source.once('error', error => {
        child.kill('SIGKILL');
        failed(error);
      });
      source.pipe(child.stdin);
    });

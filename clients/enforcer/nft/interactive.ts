import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { type Input, inLines, type Nft, nftCommand, type Ran } from './command.ts';

/** Characters of a script that go to the process that is kept; whatever is longer has one of its own. */
const LONGEST = 16_384;
/** Milliseconds until an answer must be there. */
const PATIENCE = 10_000;
/** Scripts after which another process takes over: nft remembers every line that it was ever told. */
const MOST = 500;
/** Milliseconds after the last script until the process ends: 8 MB that nobody needs. */
const IDLE = 60_000;

/** Asked after each script, because it is answered in every case and needs nothing from the kernel. */
const DONE = { question: 'describe meta mark', answer: /^meta expression, datatype mark\b/ };

/** Some repeat what they are told. */
const ECHO = /^nft> /;

/** Without a home: it would write what it was told to a file there. */
const ENVIRONMENT = {
  HOME: '/dev/null',
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
};

/** One `nft -i`, which is told scripts one after the other. */
class Interactive {
  readonly #child: ChildProcessWithoutNullStreams;
  #told = 0;
  #line: (text: string) => void = () => undefined;
  #stderr = '';
  #ended: () => void = () => undefined;
  isAlive = true;

  readonly #patience: number;

  constructor([program = 'nft', ...args]: readonly string[], patience: number) {
    this.#patience = patience;
    this.#child = spawn(program, [...args, '-nn', '-i'], {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: ENVIRONMENT,
    });
    const { stdin, stdout, stderr } = this.#child;
    const push = inLines(text => this.#line(text));
    stdout.on('data', (chunk: Buffer) => push(chunk.toString('latin1')));
    stderr.on('data', (chunk: Buffer) => {
      this.#stderr += chunk;
    });
    stdin.on('error', () => this.end());
    this.#child.once('error', () => this.end());
    this.#child.once('close', () => this.end());
    this.#hold(false);
  }

  get isWorn(): boolean {
    return !this.isAlive || this.#told >= MOST;
  }

  /** Undefined: it ended, or gave no answer in time, and nobody knows whether it did what it was told. */
  async ask(script: string): Promise<Ran | undefined> {
    const lines: string[] = [];
    this.#told++;
    this.#stderr = '';
    this.#hold(true);
    const isAnswered = await new Promise<boolean>(done => {
      const late = setTimeout(() => this.end(), this.#patience);
      const settle = (answered: boolean): void => {
        clearTimeout(late);
        done(answered);
      };
      this.#ended = () => settle(false);
      this.#line = text => {
        if (DONE.answer.test(text)) settle(true);
        else if (!ECHO.test(text)) lines.push(text);
      };
      if (this.isAlive) this.#child.stdin.write(`${script}\n${DONE.question}\n`);
      else settle(false);
    });
    // Complaints were written before the answer: they are read in this turn, or in the next where what comes first was there already.
    for (let turns = 0; turns < 2; turns++) await new Promise(setImmediate);
    if (this.isAlive) this.#hold(false);
    const stderr = this.#stderr;
    return isAnswered ? { code: stderr === '' ? 0 : 1, stdout: lines.join('\n'), stderr } : undefined;
  }

  end(): void {
    this.isAlive = false;
    this.#child.kill();
    this.#ended();
  }

  /** Whether this process waits for it. It ends by itself when this process does. */
  #hold(waits: boolean): void {
    const { stdin, stdout, stderr } = this.#child;
    for (const one of [this.#child, stdin, stdout, stderr] as { ref(): void; unref(): void }[])
      if (waits) one.ref();
      else one.unref();
  }
}

/** What a kept process is told for these arguments; undefined where it must be another one. */
function scriptOf(args: readonly string[], input: Input): string | undefined {
  // The blank: nft knows a traffic class by what comes after it, and a semicolon is not among that.
  if (args.join(' ') === '-f -')
    return typeof input !== 'string' || input.length > LONGEST ? undefined : input.replaceAll('\n', ' ;');
  const [numeric, verb, kind] = args;
  return numeric === '-nn' && verb === 'list' && kind === 'map' ? args.slice(1).join(' ') : undefined;
}

/**
 * As `nftCommand`, but small scripts and questions go to one process that is kept. A process of its own costs more than
 * most changes: it is started, reads what the table has, and before it ends the kernel waits until nobody uses what was
 * deleted. Where the kept one is of no use, because this nft has no such mode or because it died, there is one each.
 */
export function interactiveNft(command: readonly string[] = ['nft'], patience: number = PATIENCE): Nft {
  const whole = nftCommand(command);
  let kept: Interactive | undefined;
  let idle: NodeJS.Timeout | undefined;
  let queue: Promise<unknown> = Promise.resolve();
  let isUsable = true;

  const ready = async (): Promise<Interactive | undefined> => {
    if (kept && !kept.isWorn) return kept;
    kept?.end();
    kept = new Interactive(command, patience);
    // Not every nft has been built with it.
    isUsable = (await kept.ask('')) !== undefined;
    return isUsable ? kept : undefined;
  };
  const ask = async (script: string): Promise<Ran | undefined> => {
    const process = isUsable ? await ready() : undefined;
    clearTimeout(idle);
    idle = setTimeout(() => kept?.end(), IDLE);
    idle.unref();
    return process?.ask(script);
  };

  return async (args, input = '', line) => {
    const script = scriptOf(args, input);
    if (script === undefined) return whole(args, input, line);
    const asked = queue.then(() => ask(script));
    queue = asked.catch(() => undefined);
    const ran = (await asked) ?? (await whole(args, input));
    if (!line) return ran;
    for (const text of ran.stdout.split('\n')) line(text);
    return { ...ran, stdout: '' };
  };
}

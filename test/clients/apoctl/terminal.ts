import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Io } from '../../../clients/apoctl/io.ts';
import { run } from '../../../clients/apoctl/run.ts';

export interface Outcome {
  code: number;
  out: string;
  err: string;
}

/** A user with an empty home directory, an environment and something to pipe in. */
export interface Terminal {
  home: string;
  env: Record<string, string>;
  stdin: string;
  isScreen: boolean;
  errIsScreen: boolean;
  /** What waiting is: nothing, unless said. */
  sleep: Io['sleep'];
  fetch: Io['fetch'];
  now: Io['now'];
  type(...argv: string[]): Promise<Outcome>;
  /** What the last command has printed so far, and told beside it. */
  written(): string;
  told(): string;
  /** Ctrl-C for the command that runs. */
  interrupt(): void;
  leave(): Promise<void>;
}

export async function terminal(env: Record<string, string> = {}): Promise<Terminal> {
  const home = await mkdtemp(join(tmpdir(), 'apoctl-'));
  let written = { out: '', err: '' };
  let interruption: AbortController | undefined;
  const self: Terminal = {
    home,
    env,
    stdin: '',
    isScreen: false,
    errIsScreen: false,
    sleep: async () => undefined,
    fetch,
    now: Date.now,
    async type(...argv) {
      const own = { out: '', err: '' };
      written = own;
      const io: Io = {
        env: self.env,
        home,
        columns: 100,
        rows: 50,
        isScreen: self.isScreen,
        errIsScreen: self.errIsScreen,
        interrupted: () => {
          interruption = new AbortController();
          return interruption.signal;
        },
        sleep: self.sleep,
        stdin: async () => self.stdin,
        out: text => {
          own.out += text;
        },
        err: text => {
          own.err += text;
        },
        fetch: self.fetch,
        now: self.now,
        randomBytes,
      };
      return { code: await run(argv, io), ...own };
    },
    written: () => written.out,
    told: () => written.err,
    interrupt: () => interruption?.abort(),
    leave: () => rm(home, { recursive: true }),
  };
  return self;
}

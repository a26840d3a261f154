import { spawn } from 'node:child_process';
import { nftCommand } from '../nft/command.ts';

const TABLE = 'table inet prisma';

/** How long no rules were loaded, and since when they are not. */
export interface Open {
  milliseconds: number;
  since?: string | undefined;
}

/** Changes with their transactions: one that removes the table and makes it again leaves nothing open. */
export class OpenTime {
  #milliseconds: number;
  #since: number | undefined;
  #isThere: boolean;

  constructor({ milliseconds, since }: Open) {
    this.#milliseconds = milliseconds;
    this.#since = since === undefined ? undefined : Date.parse(since);
    this.#isThere = since === undefined;
  }

  /** `now`: milliseconds since the epoch. */
  became(isThere: boolean, now: number): void {
    if (isThere === this.#isThere) return;
    this.#isThere = isThere;
    if (!isThere) this.#since = now;
    else if (this.#since !== undefined) {
      this.#milliseconds += Math.max(0, Math.ceil(now - this.#since));
      this.#since = undefined;
    }
  }

  at(now: number): Open {
    const since = this.#since;
    if (since === undefined) return { milliseconds: this.#milliseconds };
    return {
      milliseconds: this.#milliseconds + Math.max(0, Math.ceil(now - since)),
      since: new Date(now).toISOString(),
    };
  }
}

/** Lines of `nft monitor`: each transaction ends with its generation. Gives whether the table is there afterwards. */
export class Transactions {
  #rest = '';
  #isThere: boolean | undefined;

  /** After each transaction that told of the table: whether it is there. */
  read(text: string): boolean[] {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop() ?? '';
    return lines.flatMap(line => {
      if (line === `add ${TABLE}`) this.#isThere = true;
      else if (line === `delete ${TABLE}`) this.#isThere = false;
      else if (line.startsWith('# new generation') && this.#isThere !== undefined) {
        const isThere = this.#isThere;
        this.#isThere = undefined;
        return [isThere];
      }
      return [];
    });
  }
}

export interface GapWatch {
  open(): Open;
  stop(): void;
}

/** Watches the kernel's own word for how long the table is away. `seen`: when it was last known to be as told. */
export async function watchGap(before: Open, seen: string): Promise<GapWatch> {
  const time = new OpenTime(before);
  const child = spawn('nft', ['monitor'], { stdio: ['ignore', 'pipe', 'ignore'] });
  const transactions = new Transactions();
  child.once('error', () => undefined);
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    for (const isThere of transactions.read(text)) time.became(isThere, Date.now());
  });
  const { code } = await nftCommand()(['list', 'table', 'inet', 'prisma']);
  // Nobody watched since then: the whole time counts.
  if (code !== 0) time.became(false, Date.parse(seen));
  else time.became(true, Date.now());
  return { open: () => time.at(Date.now()), stop: () => void child.kill('SIGTERM') };
}

import type { Clock } from '../clock.ts';
import { held } from '../life/held.ts';
import { nftCommand } from '../nft/command.ts';
import { openDataPlane } from '../nft/plane.ts';

/** Beside the rules: says whose they are while no agent is there. It holds no chain, and decides nothing. */
const TAG = 'inet prisma_runner';

const nft = nftCommand();

/** Writes, in the kernel, who holds the rules. */
export async function tagRules(owner: string): Promise<void> {
  const comment = owner.replace(/[^\w .:-]/g, '').slice(0, 120);
  const script = `add table ${TAG}\ndelete table ${TAG}\ntable ${TAG} { comment "${comment}"; }\n`;
  const { code, stderr } = await nft(['-f', '-'], script);
  if (code !== 0) throw new Error(`the rules can't be tagged: ${stderr}`);
}

export async function untagRules(): Promise<void> {
  await nft(['-f', '-'], `add table ${TAG}\ndelete table ${TAG}\n`);
}

/** The policy of an agent that is away: static, and mended when somebody else changes it. */
export class Hold {
  readonly #folder: string;
  readonly #clock: Clock;
  #unwatch: (() => Promise<void>) | undefined;

  constructor(folder: string, clock: Clock) {
    this.#folder = folder;
    this.#clock = clock;
  }

  async begin(): Promise<void> {
    if (this.#unwatch) return;
    const plane = openDataPlane();
    const { refused } = await held(this.#folder, this.#clock, plane);
    if (refused !== undefined) throw new Error(`the rules can't be held: ${refused}`);
    this.#unwatch = plane.watch(() => void plane.reconcile().catch(() => undefined));
  }

  /** Whoever comes next has the rules as they are. */
  async end(): Promise<void> {
    await this.#unwatch?.();
    this.#unwatch = undefined;
  }
}

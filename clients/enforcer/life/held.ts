import { fail } from '../../../shared/schema/failure.ts';
import { Holding } from '../agent/holding.ts';
import { Troubles } from '../agent/troubles.ts';
import type { BeforePolicy } from '../agent/undecided.ts';
import type { Clock } from '../clock.ts';
import type { DataPlane } from '../data-plane.ts';
import { foreignHand } from '../files.ts';
import { openLog } from '../log.ts';

/** Whoever writes to the folder of an agent says whom it trusts and who it is. */
export function refuseForeign(folder: string): void {
  const foreign = foreignHand(folder);
  if (foreign !== undefined)
    throw fail('forbidden', `--state \`${folder}\` ${foreign}, or name another folder`);
}

/** What an agent kept on this host, verified again: with a data plane it is also made to hold. */
export async function held(
  folder: string,
  clock: Clock,
  plane?: DataPlane,
  beforePolicy: BeforePolicy = 'allow',
): Promise<Holding> {
  refuseForeign(folder);
  const troubles = new Troubles(openLog('warn'), clock);
  // No root of an installation is needed: nothing is fetched here, and what is kept brings the one it was verified by.
  const holding = new Holding({ folder, root: new Uint8Array(), plane, clock, troubles, beforePolicy });
  await holding.restore();
  return holding;
}

/** Compares the whole table, not only its stamp, and mends it. An agent does so while it goes on; nobody waits for these. */
export async function compared(plane: DataPlane): Promise<void> {
  const done = await plane.reconcile();
  if ('outcome' in done) throw fail('unavailable', `the rules can't be mended: ${done.detail}`);
}

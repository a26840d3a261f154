import { Holding } from '../agent/holding.ts';
import { Troubles } from '../agent/troubles.ts';
import type { Clock } from '../clock.ts';
import type { DataPlane } from '../data-plane.ts';
import { openLog } from '../log.ts';

/** What an agent kept on this host, verified again: with a data plane it is also made to hold. */
export async function held(folder: string, clock: Clock, plane?: DataPlane): Promise<Holding> {
  const troubles = new Troubles(openLog('warn'), clock);
  // No root of an installation is needed: nothing is fetched here, and what is kept brings the one it was verified by.
  const holding = new Holding({ folder, root: new Uint8Array(), plane, clock, troubles });
  await holding.restore();
  return holding;
}

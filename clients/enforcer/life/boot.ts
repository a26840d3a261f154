import { fail } from '../../../shared/schema/failure.ts';
import { Infrastructure } from '../agent/infrastructure.ts';
import type { BeforePolicy } from '../agent/undecided.ts';
import { openDataPlane } from '../nft/plane.ts';
import { compared, held } from './held.ts';
import type { Io } from './program.ts';

/**
 * Enforces what is on disk. Nothing kept yet is no failure, because a host must come up before its first bundle too: then
 * it is shut, or not, as the installation says.
 */
export async function boot(
  { state, beforePolicy }: { state: string; beforePolicy: BeforePolicy },
  { clock, isRoot, out }: Io,
): Promise<void> {
  if (!isRoot) throw fail('forbidden', 'only root enforces; run it as root');
  const plane = openDataPlane();
  // With nothing there everything is loaded, in one transaction that is read back; only what was there needs a comparison.
  const wasThere = await plane.isThere();
  const holding = await held(state, clock, plane, beforePolicy);
  const { active, refused } = holding;
  if (holding.isToShut) {
    // The control plane has no address before the network is up; the agent adds it.
    const infrastructure = new Infrastructure();
    await infrastructure.refresh(clock.now().getTime());
    holding.infrastructure = infrastructure.current;
    const shut = await holding.refresh();
    if (shut?.outcome === 'refused') throw fail('unavailable', `this host can't be shut: ${shut.detail}`);
  }
  if (refused) throw fail('unavailable', `the policy on disk can't be enforced: ${refused}`);
  if (wasThere) await compared(plane);
  if (active) out(`enforces revision ${active.content.revision} from disk\n`);
  else if (holding.isShut) out('nothing is kept on disk yet; nothing passes but what leads to a policy\n');
  else out('nothing is kept on disk yet\n');
}

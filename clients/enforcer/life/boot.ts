import { fail } from '../../../shared/schema/failure.ts';
import { openDataPlane } from '../nft/plane.ts';
import { compared, held } from './held.ts';
import type { Io } from './program.ts';

/** Enforces what is on disk. Nothing kept yet is no failure: a host must come up before its first bundle too. */
export async function boot(folder: string, { clock, isRoot, out }: Io): Promise<void> {
  if (!isRoot) throw fail('forbidden', 'only root enforces; run it as root');
  const plane = openDataPlane();
  const holding = await held(folder, clock, plane);
  const { active, refused } = holding;
  if (refused) throw fail('unavailable', `the policy on disk can't be enforced: ${refused}`);
  await compared(plane);
  out(active ? `enforces revision ${active.content.revision} from disk\n` : 'nothing is kept on disk yet\n');
}

import { fail } from '../../../shared/schema/failure.ts';
import { openDataPlane } from '../nft/plane.ts';
import { runningAgent } from './agent-process.ts';
import { compared, held } from './held.ts';
import type { Io } from './program.ts';

/** Milliseconds that a running agent has for it. */
const PATIENCE = 30_000;
const GLANCE = 50;

/** Asks the agent, and waits until it says that it did. */
async function throughAgent(
  folder: string,
  pid: number,
  before: string | undefined,
  { clock, out }: Io,
): Promise<void> {
  process.kill(pid, 'SIGHUP');
  for (let waited = 0; waited < PATIENCE; waited += GLANCE) {
    await clock.sleep(GLANCE);
    const status = runningAgent(folder);
    if (status?.reconciled === undefined || status.reconciled.at === before) continue;
    const { kernel } = status.troubles;
    if (kernel) throw fail('unavailable', `the rules can't be mended: ${kernel.detail}`);
    const { difference } = status.reconciled;
    out(difference === '' ? 'the kernel holds the policy\n' : `mended: ${difference}\n`);
    return;
  }
  throw fail(
    'unavailable',
    `the agent, process ${pid}, did not answer within ${PATIENCE / 1000} s; see its log`,
  );
}

export async function reconcile(folder: string, io: Io): Promise<void> {
  if (!io.isRoot) throw fail('forbidden', 'only root looks into the kernel; run it as root');
  const agent = runningAgent(folder);
  if (agent) return throughAgent(folder, agent.pid, agent.reconciled?.at, io);
  const plane = openDataPlane();
  const { active, refused } = await held(folder, io.clock, plane);
  if (refused) throw fail('unavailable', `the policy on disk can't be enforced: ${refused}`);
  if (!active)
    throw fail('not_found', `${folder} holds no verified policy; run the agent first, or name its --state`);
  await compared(plane);
  io.out(`no agent runs; the kernel holds revision ${active.content.revision} from disk\n`);
}

import { existsSync, readFileSync, rmdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fail } from '../../../shared/schema/failure.ts';
import type { Clock } from '../clock.ts';
import { endOrphans } from '../flows/group.ts';
import { openDataPlane } from '../nft/plane.ts';
import { runningAgent } from './agent-process.ts';
import { hasSystemd, Manifest, systemctl } from './install.ts';
import type { Io } from './program.ts';
import { restoreSysctls } from './sysctls.ts';
import { PLACES } from './unit-files.ts';

/** Milliseconds that the agent has to end by itself. */
const PATIENCE = 20_000;
const GLANCE = 50;

/** Ends the agent and waits until it and its children are gone. */
async function endAgent(folder: string, clock: Clock): Promise<void> {
  const agent = runningAgent(folder);
  if (!agent) return;
  process.kill(agent.pid, 'SIGTERM');
  for (let waited = 0; waited < PATIENCE; waited += GLANCE) {
    if (!runningAgent(folder)) return;
    await clock.sleep(GLANCE);
  }
  process.kill(agent.pid, 'SIGKILL');
  await clock.sleep(GLANCE);
}

function removeFiles(prefix: string, { files, folders }: Manifest): void {
  for (const path of files) rmSync(join(prefix, path), { force: true });
  // What the agent kept lies in its home, which nobody else writes to.
  rmSync(join(prefix, PLACES.home), { recursive: true, force: true });
  for (const folder of folders.toReversed()) {
    try {
      rmdirSync(join(prefix, folder));
    } catch {
      // Somebody else put something there since.
    }
  }
}

export async function uninstall(prefix: string, { out, isRoot, clock }: Io): Promise<void> {
  if (!isRoot) throw fail('forbidden', 'only root uninstalls; run it as root');
  const home = join(prefix, PLACES.home);
  const path = join(prefix, PLACES.manifest);
  if (!existsSync(path)) throw fail('not_found', `nothing is installed in ${prefix}: there is no ${path}`);
  const manifest = Manifest.parse(JSON.parse(readFileSync(path, 'utf8')));
  if (hasSystemd(prefix))
    systemctl('disable', '--now', 'prisma-enforcer.service', 'prisma-enforcer-boot.service');
  await endAgent(home, clock);
  endOrphans(join(home, 'flows'));
  await openDataPlane().remove();
  restoreSysctls(home);
  removeFiles(prefix, manifest);
  if (hasSystemd(prefix)) systemctl('daemon-reload');
  out(`uninstalled prisma-enforcer ${manifest.version} from ${prefix}\n`);
}

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fail } from '../../../shared/schema/failure.ts';
import type { Clock } from '../clock.ts';
import { endOrphans } from '../flows/group.ts';
import { openDataPlane } from '../nft/plane.ts';
import { Manifest, removeAll } from './manifest.ts';
import type { Io } from './program.ts';
import { serviceOf } from './service.ts';
import { restoreSysctls } from './sysctls.ts';
import { PLACES } from './unit-files.ts';

/** What was installed below the prefix; undefined where nothing is. */
export function manifestIn(prefix: string): Manifest | undefined {
  const path = join(prefix, PLACES.manifest);
  return existsSync(path) ? Manifest.parse(JSON.parse(readFileSync(path, 'utf8'))) : undefined;
}

/**
 * Ends the agent and takes away what its installation made. Doing it again, after it broke off, does the rest. The rules
 * are the kernel's: whoever goes on holding them keeps them.
 */
export async function takeAway(
  prefix: string,
  manifest: Manifest,
  { rules, clock }: { rules: 'remove' | 'keep'; clock: Clock },
): Promise<void> {
  const home = join(prefix, PLACES.home);
  const service = serviceOf(prefix, clock);
  await service.stop();
  endOrphans(join(home, 'flows'));
  if (rules === 'remove') await openDataPlane().remove();
  restoreSysctls(home);
  removeAll(prefix, manifest);
  service.forget();
}

export async function uninstall(prefix: string, { out, isRoot, clock }: Io): Promise<void> {
  if (!isRoot) throw fail('forbidden', 'only root uninstalls; run it as root');
  const manifest = manifestIn(prefix);
  if (!manifest)
    throw fail(
      'not_found',
      `nothing is installed in ${prefix}: there is no ${join(prefix, PLACES.manifest)}`,
    );
  await takeAway(prefix, manifest, { rules: 'remove', clock });
  out(`uninstalled prisma-enforcer ${manifest.version} from ${prefix}\n`);
}

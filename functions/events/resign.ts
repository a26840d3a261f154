import { tenantOf } from '../../shared/schema/ids.ts';
import type { Deps } from '../deps.ts';
import { everyPublication, publish, resignBundle } from '../publish.ts';
import { publishReleases } from '../publish-releases.ts';

/** On a schedule: signs anew what nears its expiry, and publishes what a lost wake-up left marked. */
export async function resign(deps: Deps): Promise<{ resigned: number; published: number }> {
  const count = { resigned: 0, published: 0 };
  for (const entry of await everyPublication(deps)) {
    if (entry.marked > entry.published) {
      const outcome = await publish(tenantOf(entry.namespace), entry.namespaceID, deps);
      if (outcome === 'published') count.published++;
    }
    if (await resignBundle(entry, deps)) count.resigned++;
  }
  if ((await publishReleases(deps)) === 'published') count.resigned++;
  return count;
}

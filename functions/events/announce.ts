import { type PushedChange, pushed } from '../../shared/core/push.ts';
import type { Change } from '../../shared/ports/change-feed.ts';
import { type NamespacePath, ROOT, tenantOf } from '../../shared/schema/ids.ts';
import type { Deps } from '../deps.ts';

interface AnnounceDeps extends Pick<Deps, 'connections' | 'log'> {
  pushQueue: { put(tenant: NamespacePath, changes: readonly PushedChange[]): Promise<void> };
}

/**
 * Queues what somebody may want to hear of. Listeners are many and slow, and the policy that follows from a change waits for
 * its turn behind this one: telling them is another function's work, and what cannot be queued is lost, as events may be.
 */
export async function announce(
  changes: readonly Change[],
  { connections, pushQueue, log }: AnnounceDeps,
): Promise<void> {
  const told = changes.flatMap(change => pushed(change) ?? []);
  const tenants = [...new Set(told.map(({ object }) => tenantOf(object.namespace)))];
  if (tenants.length === 0) return;
  try {
    const isEverythingHeard = await connections.isHeard(ROOT);
    for (const tenant of tenants) {
      if (!isEverythingHeard && !(await connections.isHeard(tenant))) continue;
      await pushQueue.put(
        tenant,
        told.filter(({ object }) => tenantOf(object.namespace) === tenant),
      );
    }
  } catch (error) {
    log.error('push events were lost', { tenants, error: String(error) });
  }
}

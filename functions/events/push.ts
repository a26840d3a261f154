import { pushEvent, reaches, subscriptionOf } from '../../shared/core/push.ts';
import { grants } from '../../shared/core/roles.ts';
import type { Change } from '../../shared/ports/change-feed.ts';
import type { Connection, Connections } from '../../shared/ports/connections.ts';
import { Failure } from '../../shared/schema/failure.ts';
import type { Deps } from '../deps.ts';
import { isShown } from '../hidden.ts';
import { claimTags } from '../pipeline/authenticate.ts';
import { heldNow } from '../pipeline/authorize.ts';

export interface PushDeps extends Pick<Deps, 'store' | 'clock' | 'log'> {
  connections: Connections;
}

const visible = ({ before, after }: Change): boolean => {
  const object = after ?? before;
  return object !== undefined && isShown(object);
};

/**
 * Tells one connection of the changes that it asked for and may see now. Rights are read afresh for every batch, so that a
 * revoked credential hears nothing more; whoever has none left is hung up on.
 */
async function tell(connection: Connection, changes: readonly Change[], deps: PushDeps): Promise<void> {
  const { id, claims, address, namespace, config } = connection;
  const { clock, connections } = deps;
  const subscription = subscriptionOf(connection, config, clock.now());
  const wanted = changes.filter(change => visible(change) && reaches(change, subscription));
  if (wanted.length === 0) return;
  if (claims.exp * 1000 <= clock.now().getTime()) return connections.close(id, 'the token has expired');
  try {
    const held = await heldNow(claims, { claims: claimTags(claims), address }, namespace, deps);
    for (const change of wanted) {
      if (!held.some(permissions => grants(permissions, change.resource, 'get'))) continue;
      await connections.send(id, JSON.stringify(pushEvent(change, clock.now())));
    }
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    await connections.close(id, error.message);
  }
}

/** Tells everybody who listens. Events that get lost are not sent again, so that nothing waits for a listener. */
export async function push(changes: readonly Change[], deps: PushDeps): Promise<void> {
  const open = await deps.connections.open();
  await Promise.all(
    open.map(connection =>
      tell(connection, changes, deps).catch(error =>
        deps.log.error('push events were lost', { connection: connection.id, error: String(error) }),
      ),
    ),
  );
}

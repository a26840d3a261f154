import { pushEvent, reaches, subscriptionOf } from '../../shared/core/push.ts';
import { grants } from '../../shared/core/roles.ts';
import type { Change } from '../../shared/ports/change-feed.ts';
import type { Connection, Connections } from '../../shared/ports/connections.ts';
import type { Stored } from '../../shared/ports/object-store.ts';
import { Failure } from '../../shared/schema/failure.ts';
import { isWithin } from '../../shared/schema/ids.ts';
import type { Deps } from '../deps.ts';
import { isShown } from '../hidden.ts';
import { claimTags } from '../pipeline/authenticate.ts';
import { heldNow } from '../pipeline/authorize.ts';

export interface PushDeps extends Pick<Deps, 'store' | 'clock' | 'log'> {
  connections: Connections;
  /** Namespaces that are being removed, as the feed told; kept here from one batch to the next. */
  leaving: Set<string>;
}

const nameOf = (object: Stored): string => String(Reflect.get(object, 'name'));

/**
 * What a listener is told of a change; undefined when nothing. A namespace that is deleted with all that is in it is gone
 * when it is hidden, for listeners as for lists; that its content goes one by one afterwards is nobody's concern.
 */
function told(change: Change, leaving: Set<string>): Change | undefined {
  const { resource, before, after } = change;
  const object = after ?? before;
  if (!object) return undefined;
  if ([...leaving].some(path => isWithin(object.namespace, path))) return undefined;
  if (resource !== 'namespace') return change;
  const [was, is] = [before !== undefined && isShown(before), after !== undefined && isShown(after)];
  if (is) leaving.delete(nameOf(object));
  if (after && !is) {
    leaving.add(nameOf(after));
    return was && before ? { resource, operation: 'delete', before } : undefined;
  }
  if (after || was) return change;
  leaving.delete(nameOf(object));
  return undefined;
}

/**
 * Tells one connection of the changes that it asked for and may see now. Rights are read afresh for every batch, so that a
 * revoked credential hears nothing more; whoever has none left is hung up on.
 */
async function tell(connection: Connection, changes: readonly Change[], deps: PushDeps): Promise<void> {
  const { id, claims, address, namespace, config } = connection;
  const { clock, connections } = deps;
  const subscription = subscriptionOf(connection, config, clock.now());
  const wanted = changes.filter(change => reaches(change, subscription));
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
export async function push(all: readonly Change[], deps: PushDeps): Promise<void> {
  const changes = all.flatMap(change => told(change, deps.leaving) ?? []);
  const open = await deps.connections.open();
  await Promise.all(
    open.map(connection =>
      tell(connection, changes, deps).catch(error =>
        deps.log.error('push events were lost', { connection: connection.id, error: String(error) }),
      ),
    ),
  );
}

/** On a timer: hangs up on whoever may hear nothing more, also where nothing happens. */
export async function review({ connections, ...deps }: Omit<PushDeps, 'leaving'>): Promise<void> {
  for (const { id, claims, address, namespace } of await connections.open()) {
    if (claims.exp * 1000 <= deps.clock.now().getTime()) {
      await connections.close(id, 'the token has expired');
      continue;
    }
    try {
      const held = await heldNow(claims, { claims: claimTags(claims), address }, namespace, deps);
      if (held.length === 0) await connections.close(id, `you may read nothing in ${namespace} any more`);
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      await connections.close(id, error.message);
    }
  }
}

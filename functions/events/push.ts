import {
  mayHear,
  type PushedChange,
  pushEvent,
  reaches,
  subscriptionOf,
  wentWithNamespace,
} from '../../shared/core/push.ts';
import type { Connection } from '../../shared/ports/connections.ts';
import { Failure, fail } from '../../shared/schema/failure.ts';
import { type NamespacePath, ROOT, tenantOf } from '../../shared/schema/ids.ts';
import type { Deps } from '../deps.ts';
import { hangUp } from '../listen.ts';
import { claimTags } from '../pipeline/authenticate.ts';
import { heldNow, lineageObjects } from '../pipeline/authorize.ts';
import { messageOf } from '../push-message.ts';

export type PushDeps = Pick<Deps, 'store' | 'clock' | 'log' | 'connections'>;

const expired = (): Failure => fail('unauthorized', 'the token has expired; get a new one from POST /issue');

/** Connections that are told something at once. */
const PARALLEL = 50;

async function forEach<T>(all: readonly T[], work: (one: T) => Promise<void>): Promise<void> {
  const left = all.values();
  const worker = async (): Promise<void> => {
    for (const one of left) await work(one);
  };
  await Promise.all(Array.from({ length: Math.min(PARALLEL, all.length) }, worker));
}

/** Leaves out what goes because its namespace goes: whoever listens was told of that. */
async function withoutPurged(changes: readonly PushedChange[], deps: PushDeps): Promise<PushedChange[]> {
  const gone = changes.filter(({ operation }) => operation === 'delete');
  const paths = [...new Set(gone.map(({ object }) => object.namespace))];
  const found = await Promise.all(
    paths.map(async (path): Promise<[NamespacePath, string | undefined]> => {
      const namespaces = await lineageObjects(deps.store, path);
      return [path, namespaces?.reduce((last, { createTime }) => later(last, createTime), '')];
    }),
  );
  const made = new Map(found);
  return changes.filter(change => !wentWithNamespace(change, made.get(change.object.namespace)));
}

const later = (a: string, b: string): string => (a > b ? a : b);

/**
 * Tells one connection of the changes that it asked for and may see now. Rights are read afresh for every batch, so that a
 * revoked credential hears nothing more; whoever has none left is hung up on.
 */
async function tell(connection: Connection, changes: readonly PushedChange[], deps: PushDeps): Promise<void> {
  const { claims, address, namespace, config } = connection;
  const { clock, connections } = deps;
  const subscription = subscriptionOf(connection, config, clock.now());
  const wanted = changes.filter(change => reaches(change, subscription));
  if (wanted.length === 0) return;
  if (claims.exp * 1000 <= clock.now().getTime()) return hangUp(connection, expired(), deps);
  try {
    const held = await heldNow(claims, { claims: claimTags(claims), address }, namespace, deps);
    for (const change of wanted) {
      if (!mayHear(change, held)) continue;
      await connections.send(connection, messageOf(pushEvent(change, clock.now()), connection.reads));
    }
  } catch (error) {
    if (!(error instanceof Failure) || error.kind === 'unavailable' || error.kind === 'too_many_requests')
      throw error;
    await hangUp(connection, error, deps);
  }
}

/** Those in whose namespaces something may have happened: in its tenant, or in the root with all below. */
async function listeners(
  changes: readonly PushedChange[],
  { connections }: Pick<PushDeps, 'connections'>,
): Promise<Connection[]> {
  const tenants = new Set([ROOT, ...changes.map(({ object }) => tenantOf(object.namespace))]);
  return (await Promise.all([...tenants].map(tenant => connections.open(tenant)))).flat();
}

/** Tells everybody who listens. Events that get lost are not sent again, so that nothing waits for a listener. */
export async function push(changes: readonly PushedChange[], deps: PushDeps): Promise<void> {
  if (changes.length === 0) return;
  const open = await listeners(changes, deps);
  if (open.length === 0) return;
  const told = await withoutPurged(changes, deps);
  await forEach(open, connection =>
    tell(connection, told, deps).catch(error =>
      deps.log.error('push events were lost', { connection: connection.id, error: String(error) }),
    ),
  );
}

async function look(connection: Connection, deps: PushDeps): Promise<void> {
  const { claims, address, namespace } = connection;
  if (claims.exp * 1000 <= deps.clock.now().getTime()) return hangUp(connection, expired(), deps);
  try {
    const held = await heldNow(claims, { claims: claimTags(claims), address }, namespace, deps);
    if (held.length === 0)
      await hangUp(connection, fail('forbidden', `you may read nothing in ${namespace} any more`), deps);
  } catch (error) {
    if (!(error instanceof Failure) || error.kind === 'unavailable' || error.kind === 'too_many_requests')
      throw error;
    await hangUp(connection, error, deps);
  }
}

/** On a timer: hangs up on whoever may hear nothing more, also where nothing happens. */
export async function review(deps: PushDeps): Promise<void> {
  await forEach(await deps.connections.everybody(), connection =>
    look(connection, deps).catch(error =>
      deps.log.error('a listener was not looked after', { connection: connection.id, error: String(error) }),
    ),
  );
}

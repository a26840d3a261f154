import { concerns, mayHear, type PushedChange, passes, wentWithNamespace } from '../../shared/core/push.ts';
import type { Permissions } from '../../shared/core/roles.ts';
import type { Connection } from '../../shared/ports/connections.ts';
import { Failure, fail } from '../../shared/schema/failure.ts';
import { type NamespacePath, ROOT, tenantOf } from '../../shared/schema/ids.ts';
import type { Deps } from '../deps.ts';
import { hangUp } from '../listen.ts';
import { lineageObjects } from '../pipeline/authorize.ts';
import { type Shared, sharedNow } from '../push-batch.ts';

export type PushDeps = Pick<Deps, 'store' | 'clock' | 'log' | 'connections'>;

/** Listeners who share one reading of what they have in common: it gets old while they are told one after the other. */
const TOGETHER = 1000;
/** Connections that are told something at once. */
const PARALLEL = 50;

async function forEach<T>(all: readonly T[], work: (one: T) => Promise<void>): Promise<void> {
  const left = all.values();
  const worker = async (): Promise<void> => {
    for (const one of left) await work(one);
  };
  await Promise.all(Array.from({ length: Math.min(PARALLEL, all.length) }, worker));
}

/** Nobody suffers for a listener whom something goes wrong with. */
async function forEachSharing(
  all: readonly Connection[],
  deps: PushDeps,
  work: (connection: Connection, shared: Shared) => Promise<void>,
  failed: (connection: Connection) => Promise<void> = async () => undefined,
): Promise<void> {
  for (let at = 0; at < all.length; at += TOGETHER) {
    const shared = sharedNow(deps);
    await forEach(all.slice(at, at + TOGETHER), async connection => {
      try {
        await work(connection, shared);
      } catch (error) {
        const { id } = connection;
        deps.log.error('a listener was not served', { connection: id, error: String(error) });
        await failed(connection).catch(() => undefined);
      }
    });
  }
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

/** Why nobody with these claims may hear anything; undefined when it could not be found out. */
const refusalIn = (error: unknown): Failure | undefined =>
  error instanceof Failure && error.kind !== 'unavailable' && error.kind !== 'too_many_requests'
    ? error
    : undefined;

/** What a connection may hear now; who may hear nothing is hung up on. */
async function rightsOf(
  connection: Connection,
  shared: Shared,
  deps: PushDeps,
): Promise<readonly Permissions[]> {
  const { claims, namespace } = connection;
  if (claims.exp * 1000 <= deps.clock.now().getTime()) {
    await hangUp(
      connection,
      fail('unauthorized', 'the token has expired; get a new one from POST /issue'),
      deps,
    );
    return [];
  }
  try {
    const held = await shared.rights(connection);
    if (held.length === 0)
      await hangUp(connection, fail('forbidden', `you may read nothing in ${namespace} any more`), deps);
    return held;
  } catch (error) {
    const refusal = refusalIn(error);
    if (!refusal) throw error;
    await hangUp(connection, refusal, deps);
    return [];
  }
}

/**
 * Tells one connection of the changes that it asked for and may see now. Rights are read afresh for every batch, so that a
 * revoked credential hears nothing more.
 */
async function tell(
  connection: Connection,
  changes: readonly PushedChange[],
  shared: Shared,
  deps: PushDeps,
): Promise<void> {
  const subscription = shared.subscription(connection);
  const about = changes.filter(change => concerns(change, subscription));
  if (about.length === 0) return;
  const held = await rightsOf(connection, shared, deps);
  for (const change of about) {
    if (mayHear(change, held) && passes(change, subscription))
      await deps.connections.send(connection, shared.message(change, connection.reads));
  }
}

/** Ends for good what asks for too much: it would be as much with the next batch. */
async function tellOrEnd(connection: Connection, ...rest: [readonly PushedChange[], Shared, PushDeps]) {
  try {
    await tell(connection, ...rest);
  } catch (error) {
    if (!(error instanceof Failure && error.kind === 'bad_request')) throw error;
    await hangUp(connection, error, rest[2]);
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
  await forEachSharing(
    open,
    deps,
    (connection, shared) => tellOrEnd(connection, told, shared, deps),
    // So that it knows that it missed something.
    ({ id }) => deps.connections.close(id, 'events were lost; come again, and read what happened'),
  );
}

/** On a timer: hangs up on whoever may hear nothing more, also where nothing happens. */
export async function review(deps: PushDeps): Promise<void> {
  await forEachSharing(await deps.connections.everybody(), deps, async (connection, shared) => {
    await rightsOf(connection, shared, deps);
  });
}

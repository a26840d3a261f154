import { isDeepStrictEqual } from 'node:util';
import { subscriptionOf } from '../shared/core/push.ts';
import type { Connection } from '../shared/ports/connections.ts';
import { Failure, fail } from '../shared/schema/failure.ts';
import { NamespacePath } from '../shared/schema/ids.ts';
import { PushConfig } from '../shared/schema/push.ts';
import type { Deps } from './deps.ts';
import { claimTags, verifyToken } from './pipeline/authenticate.ts';
import { heldNow } from './pipeline/authorize.ts';
import { accepted, sentAs } from './pipeline/media.ts';
import { parsed } from './pipeline/problem.ts';
import { errorEvent, messageOf, type PushMessage, unpacked } from './push-message.ts';

/** What a listener says when it comes. */
export interface Arrival {
  id: string;
  query: URLSearchParams;
  /** By its name in lower case. */
  header(name: string): string | undefined;
  address: string;
}

export type ListenDeps = Pick<Deps, 'store' | 'clock' | 'log' | 'tokenKeys' | 'apiURL' | 'connections'>;

/** Who listens, and to what. Nobody gets in who may read nothing in the namespace. */
async function arrived({ id, query, header, address }: Arrival, deps: ListenDeps): Promise<Connection> {
  const media = {
    reads: accepted(header('accept')),
    writes: sentAs({ 'content-type': header('content-type') }),
  };
  const named = NamespacePath.safeParse(query.get('namespace') ?? '');
  if (!named.success) {
    throw fail(
      'bad_request',
      `query parameter namespace is \`${query.get('namespace') ?? ''}\`; write /tenant/group`,
    );
  }
  const sent = query.get('token') ?? /^Bearer ([\w.-]+)$/i.exec(header('authorization') ?? '')?.[1];
  if (!sent) throw fail('unauthorized', 'no token; add token=<token> of POST /issue');
  const claims = await verifyToken(sent, deps);
  if (claims.quota !== undefined) {
    throw fail(
      'forbidden',
      'the token is made for a number of requests, which listening is not; get one without quota',
    );
  }
  const held = await heldNow(claims, { claims: claimTags(claims), address }, named.data, deps).catch(
    error => {
      // Who may do nothing learns nothing of which namespaces there are.
      if (error instanceof Failure && error.kind === 'not_found') return [];
      throw error;
    },
  );
  if (held.length === 0) throw fail('forbidden', `you may read nothing in ${named.data}`);
  return {
    id,
    claims,
    address,
    namespace: named.data,
    recursive: query.get('mode') === 'all',
    config: PushConfig.parse({}),
    tellsErrors: query.has('enableErrors'),
    ...media,
    since: deps.clock.now().toISOString(),
  };
}

/** Connections of one caller, and of all, that listen in one tenant. */
const MOST = { own: 100, all: 5000 } as const;

async function refuseCrowd(connection: Connection, { connections }: ListenDeps): Promise<void> {
  const { own, all } = await connections.crowd(connection);
  if (own >= MOST.own) {
    throw fail(
      'too_many_requests',
      `you have ${MOST.own} connections that listen here; close some, or listen with mode=all`,
    );
  }
  if (all >= MOST.all) {
    throw fail('too_many_requests', `${MOST.all} connections listen in the tenant; come again later`);
  }
}

/**
 * Lets somebody in who wants to listen.
 *
 * @throws `bad_request`, `unauthorized`, `forbidden`, as every request; `too_many_requests` for one too many
 */
export async function enter(arrival: Arrival, deps: ListenDeps): Promise<void> {
  const connection = await arrived(arrival, deps);
  await refuseCrowd(connection, deps);
  await deps.connections.add(connection);
}

/** What a listener sent, as it said that it would write. */
function read(message: PushMessage, { writes }: Connection): unknown {
  if (writes === 'application/msgpack') return unpacked(message);
  if (typeof message !== 'string') {
    throw fail('bad_request', 'the message is binary; send JSON as text, or come with Content-Type msgpack');
  }
  try {
    return JSON.parse(message);
  } catch {
    throw fail(
      'bad_request',
      'the message is not JSON; send a PushConfig, {"identities": {"namespace": ["create"]}}',
    );
  }
}

/** The configuration that a listener sent. @throws `bad_request` and `invalid` */
function configured(message: PushMessage, connection: Connection, now: Date): PushConfig {
  const config = parsed(PushConfig, read(message, connection)) as PushConfig;
  // Everything that could be wrong with it is found out now and not with the first event.
  subscriptionOf(connection, config, now);
  return config;
}

type TellDeps = Pick<ListenDeps, 'connections' | 'clock'>;

const tellError = (
  connection: Connection,
  failure: Failure,
  { connections, clock }: TellDeps,
): Promise<void> =>
  connections.send(connection, messageOf(errorEvent(failure, clock.now()), connection.reads));

/** Ends a connection. API Gateway has no room for a reason in the end itself, so that who asked for errors is told before. */
export async function hangUp(connection: Connection, failure: Failure, deps: TellDeps): Promise<void> {
  if (connection.tellsErrors) await tellError(connection, failure, deps);
  await deps.connections.close(connection.id, failure.message);
}

/** Takes what a listener says as its new configuration. A wrong one is told to who asked for errors, and ends the others. */
export async function said(id: string, message: PushMessage, deps: ListenDeps): Promise<void> {
  const connection = await deps.connections.get(id);
  // One that was forgotten while it was open hears nothing: it is better off when it comes again.
  if (!connection) return deps.connections.close(id, 'the connection is not known here any more; come again');
  try {
    const config = configured(message, connection, deps.clock.now());
    // Clients say it again and again, so that they are not taken for gone.
    if (!isDeepStrictEqual(config, connection.config)) await deps.connections.change(id, config);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    if (connection.tellsErrors) await tellError(connection, error, deps);
    else await deps.connections.close(id, error.message);
  }
}

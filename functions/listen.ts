import { subscriptionOf } from '../shared/core/push.ts';
import type { Connection } from '../shared/ports/connections.ts';
import { Failure, fail } from '../shared/schema/failure.ts';
import { NamespacePath } from '../shared/schema/ids.ts';
import { PushConfig, type PushEvent } from '../shared/schema/push.ts';
import type { Deps } from './deps.ts';
import { claimTags, verifyToken } from './pipeline/authenticate.ts';
import { heldNow } from './pipeline/authorize.ts';
import { parsed } from './pipeline/problem.ts';

/** What a listener says when it comes: query parameters, and the token of its headers where there is one. */
export interface Arrival {
  query: URLSearchParams;
  token: string | undefined;
  address: string;
}

/**
 * Who listens, and to what. Nobody gets in who may read nothing in the namespace.
 *
 * @throws `bad_request`, `unauthorized`, `forbidden` and `not_found`, as every request
 */
export async function arrived(
  { query, token, address }: Arrival,
  deps: Deps,
): Promise<Omit<Connection, 'id'>> {
  const named = NamespacePath.safeParse(query.get('namespace') ?? '');
  if (!named.success) {
    throw fail(
      'bad_request',
      `query parameter namespace is \`${query.get('namespace') ?? ''}\`; write /tenant/group`,
    );
  }
  const sent = query.get('token') ?? token;
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
    claims,
    address,
    namespace: named.data,
    recursive: query.get('mode') === 'all',
    config: PushConfig.parse({}),
  };
}

/** Connections of one caller, and in all. */
const MOST = { ofOne: 100, inAll: 5000 } as const;

/** @throws `too_many_requests` for one more than may listen at a time */
export function refuseCrowd(open: readonly Connection[], { claims }: Pick<Connection, 'claims'>): void {
  const own = open.filter(one => one.claims.realm === claims.realm && one.claims.sub === claims.sub);
  if (own.length < MOST.ofOne && open.length < MOST.inAll) return;
  throw fail(
    'too_many_requests',
    own.length < MOST.ofOne
      ? `${MOST.inAll} connections listen already; come again later`
      : `you have ${MOST.ofOne} connections that listen; close some, or listen with mode=all`,
  );
}

/** The configuration that a listener sent. @throws `bad_request` and `invalid` */
export function configured(text: string, connection: Omit<Connection, 'id'>, now: Date): PushConfig {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw fail(
      'bad_request',
      'the message is not JSON; send a PushConfig, {"identities": {"namespace": ["create"]}}',
    );
  }
  const config = parsed(PushConfig, value) as PushConfig;
  // Everything that could be wrong with it is found out now and not with the first event.
  subscriptionOf(connection, config, now);
  return config;
}

/** What is told of a wrong configuration to who asked for errors. */
export const errorEvent = (errors: readonly string[], now: Date): PushEvent => ({
  entity: { errors },
  identity: '',
  type: 'error',
  timestamp: now.toISOString(),
  encoding: 'application/json',
});

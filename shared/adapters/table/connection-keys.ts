import { createHash } from 'node:crypto';
import type { Connection } from '../../ports/connections.ts';
import { type NamespacePath, tenantOf } from '../../schema/ids.ts';
import { STREAM, TABLE } from '../../schema/table.ts';
import type { ItemKey } from './keys.ts';

/** `pk` in the index `tree` of all connections. */
export const CONNECTIONS = 'connections';

export const connectionsPk = (tenant: NamespacePath): string => `${STREAM.connection}${tenant}`;

export const connectionKey = (tenant: NamespacePath, id: string): ItemKey => ({
  pk: connectionsPk(tenant),
  sk: id,
});

/** Where it says in which tenant a connection is: API Gateway tells no more of it than its ID. */
export const connectionTenantKey = (id: string): ItemKey => ({ pk: `${STREAM.connection}id#${id}`, sk: '-' });

/** One caller, whichever token it shows: names of others' users are as long as they like, so that it is a digest. */
export const callerOf = (claims: Connection['claims']): string => {
  const namespace = 'namespace' in claims ? claims.namespace : '';
  return createHash('sha256')
    .update(JSON.stringify([claims.realm, namespace, claims.sub]))
    .digest('hex');
};

/** Index keys: by which the connections of all, and those of one caller, are found. */
export const connectionIndexKeys = ({
  id,
  namespace,
  claims,
}: Pick<Connection, 'id' | 'namespace' | 'claims'>): Record<string, string> => ({
  [TABLE.indexes.tree.pk]: CONNECTIONS,
  [TABLE.indexes.tree.sk]: `${tenantOf(namespace)}#${id}`,
  [TABLE.indexes.ref.pk]: callersPk({ namespace, claims }),
  [TABLE.indexes.ref.sk]: id,
});

export const callersPk = ({ namespace, claims }: Pick<Connection, 'namespace' | 'claims'>): string =>
  `${connectionsPk(tenantOf(namespace))}#${callerOf(claims)}`;

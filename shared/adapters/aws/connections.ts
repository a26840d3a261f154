import {
  ApiGatewayManagementApiClient,
  DeleteConnectionCommand,
  PostToConnectionCommand,
} from '@aws-sdk/client-apigatewaymanagementapi';
import {
  DeleteCommand,
  GetCommand,
  QueryCommand,
  type QueryCommandInput,
  TransactWriteCommand,
  UpdateCommand,
} from '@aws-sdk/lib-dynamodb';
import { z } from 'zod';
import type { Clock } from '../../ports/clock.ts';
import type { Connection, Connections } from '../../ports/connections.ts';
import { NamespacePath, Timestamp, tenantOf } from '../../schema/ids.ts';
import { LISTENING, PushConfig, PushMedia } from '../../schema/push.ts';
import { TABLE } from '../../schema/table.ts';
import { TokenClaims } from '../../schema/token.ts';
import {
  CONNECTIONS,
  callersPk,
  connectionIndexKeys,
  connectionKey,
  connectionsPk,
  connectionTenantKey,
} from '../table/connection-keys.ts';
import { call, clientConfig, isNamed, type Connection as Wire } from './client.ts';
import { documentClient, type TableOptions } from './document.ts';

export interface ConnectionsOptions extends TableOptions {
  /** Where API Gateway takes messages for its connections: `https://…/<stage>`. */
  gateway: Wire;
}

/** Milliseconds within which an opening connection answers as if it were gone: API Gateway waits for us so long. */
const OPENING = 30_000;
/** Seconds beyond the longest life of a connection after which its item may go. */
const SLACK = 600;
/** Milliseconds for which a tenant's number of connections is remembered: counting reads all of them. */
const REMEMBERED = 10_000;
/** Milliseconds that one listener may hold up the others. */
const PATIENCE = 2_000;

const json = z.string().transform((text): unknown => JSON.parse(text));
const Item = z.object({
  sk: z.string(),
  claims: json.pipe(TokenClaims),
  address: z.string(),
  namespace: NamespacePath,
  recursive: z.boolean(),
  config: json.pipe(PushConfig),
  tellsErrors: z.boolean(),
  reads: PushMedia,
  writes: PushMedia,
  since: Timestamp,
  [TABLE.ttl]: z.int(),
});

const toConnection = (item: unknown): Connection & { expires: number } => {
  const { sk, ...rest } = Item.parse(item);
  return { id: sk, ...rest };
};

/** Connections of API Gateway's WebSocket API, each an item of the table. */
export function openConnections(options: ConnectionsOptions, clock: Clock): Connections {
  const client = options.client ?? documentClient(options);
  const gateway = new ApiGatewayManagementApiClient(clientConfig({ timeout: PATIENCE, ...options.gateway }));
  const TableName = options.tableName;
  const seconds = (): number => clock.now().getTime() / 1000;
  const counted = new Map<NamespacePath, { at: number; all: number }>();

  const pages = async (query: Omit<QueryCommandInput, 'TableName'>) => {
    const items: unknown[] = [];
    let count = 0;
    let ExclusiveStartKey: Record<string, unknown> | undefined;
    do {
      const page = new QueryCommand({ TableName, ...query, ...(ExclusiveStartKey && { ExclusiveStartKey }) });
      const { Items = [], Count = 0, LastEvaluatedKey } = await call('DynamoDB', () => client.send(page));
      items.push(...Items);
      count += Count;
      ExclusiveStartKey = query.Limit === undefined ? LastEvaluatedKey : undefined;
    } while (ExclusiveStartKey);
    return { items, count };
  };
  /** Items that have expired are there until DynamoDB finds the time. */
  const read = async (query: Omit<QueryCommandInput, 'TableName'>): Promise<Connection[]> =>
    (await pages(query)).items
      .map(toConnection)
      .flatMap(({ expires, ...connection }) => (expires > seconds() ? connection : []));
  const ofTenant = (tenant: NamespacePath) => ({
    ConsistentRead: true,
    KeyConditionExpression: 'pk = :pk',
    ExpressionAttributeValues: { ':pk': connectionsPk(tenant) },
  });
  const inIndex = (index: keyof typeof TABLE.indexes, value: string) => ({
    IndexName: TABLE.indexes[index].name,
    KeyConditionExpression: '#pk = :pk',
    ExpressionAttributeNames: { '#pk': TABLE.indexes[index].pk },
    ExpressionAttributeValues: { ':pk': value },
  });
  const inTenant = async (tenant: NamespacePath): Promise<number> => {
    const known = counted.get(tenant);
    const now = clock.now().getTime();
    if (known && now - known.at < REMEMBERED) return known.all;
    const { count } = await pages({ ...ofTenant(tenant), ConsistentRead: false, Select: 'COUNT' });
    counted.set(tenant, { at: now, all: count });
    return count;
  };
  const item = async (Key: Record<string, string>): Promise<Record<string, unknown> | undefined> => {
    const get = new GetCommand({ TableName, Key, ConsistentRead: true });
    return (await call('DynamoDB', () => client.send(get))).Item;
  };
  const tenantBehind = async (id: string): Promise<NamespacePath | undefined> =>
    NamespacePath.optional().parse((await item({ ...connectionTenantKey(id) }))?.tenant);
  const get = async (id: string): Promise<Connection | undefined> => {
    const tenant = await tenantBehind(id);
    const found = tenant && (await item({ ...connectionKey(tenant, id) }));
    if (!found) return undefined;
    const { expires, ...connection } = toConnection(found);
    return expires > seconds() ? connection : undefined;
  };
  const forget = async (tenant: NamespacePath, id: string): Promise<void> => {
    for (const key of [connectionKey(tenant, id), connectionTenantKey(id)])
      await call('DynamoDB', () => client.send(new DeleteCommand({ TableName, Key: { ...key } })));
  };
  /** False for one that is not open, or not any more. */
  const reached = async (send: () => Promise<unknown>): Promise<boolean> => {
    try {
      await call('API Gateway', send);
      return true;
    } catch (error) {
      if (isNamed(error, 'GoneException')) return false;
      throw error;
    }
  };
  const isOpening = ({ since }: Connection): boolean => clock.now().getTime() - Date.parse(since) < OPENING;
  const forgetGone = async (connection: Connection): Promise<void> => {
    if (!isOpening(connection)) await forget(tenantOf(connection.namespace), connection.id);
  };

  return {
    open: tenant => read(ofTenant(tenant)),
    isHeard: async tenant => (await pages({ ...ofTenant(tenant), Limit: 1 })).count > 0,
    everybody: () => read(inIndex('tree', CONNECTIONS)),
    async crowd(by) {
      const tenant = tenantOf(by.namespace);
      const [{ count: own }, all] = await Promise.all([
        pages({ ...inIndex('ref', callersPk(by)), Select: 'COUNT' }),
        inTenant(tenant),
      ]);
      return { own, all };
    },
    get,
    async add({ id, claims, config, ...rest }) {
      const tenant = tenantOf(rest.namespace);
      const expires = Math.ceil((Date.parse(rest.since) + LISTENING.longest) / 1000) + SLACK;
      const whole = {
        ...connectionKey(tenant, id),
        ...connectionIndexKeys({ id, claims, namespace: rest.namespace }),
        ...rest,
        claims: JSON.stringify(claims),
        config: JSON.stringify(config),
        [TABLE.ttl]: expires,
      };
      const pointer = { ...connectionTenantKey(id), tenant, [TABLE.ttl]: expires };
      const TransactItems = [whole, pointer].map(Item => ({ Put: { TableName, Item } }));
      await call('DynamoDB', () => client.send(new TransactWriteCommand({ TransactItems })));
    },
    async change(id, config) {
      const tenant = await tenantBehind(id);
      if (tenant === undefined) return;
      const update = new UpdateCommand({
        TableName,
        Key: { ...connectionKey(tenant, id) },
        UpdateExpression: 'SET config = :config',
        ConditionExpression: 'attribute_exists(pk)',
        ExpressionAttributeValues: { ':config': JSON.stringify(config) },
      });
      try {
        await call('DynamoDB', () => client.send(update));
      } catch (error) {
        if (!isNamed(error, 'ConditionalCheckFailedException')) throw error;
      }
    },
    async remove(id) {
      const tenant = await tenantBehind(id);
      if (tenant !== undefined) await forget(tenant, id);
    },
    async send(connection, message) {
      // It sends text frames only, and refuses what is no UTF-8.
      const text = typeof message === 'string' ? message : Buffer.from(message).toString('base64');
      const post = new PostToConnectionCommand({ ConnectionId: connection.id, Data: Buffer.from(text) });
      if (!(await reached(() => gateway.send(post)))) await forgetGone(connection);
    },
    async close(id) {
      const known = await get(id);
      const end = new DeleteConnectionCommand({ ConnectionId: id });
      const hasEnded = await reached(() => gateway.send(end));
      if (!known) return;
      if (hasEnded) await forget(tenantOf(known.namespace), id);
      else await forgetGone(known);
    },
  };
}

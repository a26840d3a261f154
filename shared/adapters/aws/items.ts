import {
  BatchGetCommand,
  type DynamoDBDocumentClient,
  GetCommand,
  QueryCommand,
  type QueryCommandInput,
} from '@aws-sdk/lib-dynamodb';
import { z } from 'zod';
import { TABLE } from '../../schema/table.ts';
import type { ItemKey } from '../table/keys.ts';
import { call } from './client.ts';

/** What the readers of this table look at in an item; whatever else is in it stays there. */
export const StoredItem = z.object({ pk: z.string(), sk: z.string(), object: z.string().optional() });
export type StoredItem = z.infer<typeof StoredItem>;

/** Items whose sort key begins with `prefix`, in the table itself (consistently) or in an index. */
export interface Range {
  index?: keyof typeof TABLE.indexes;
  pk: string;
  prefix: string;
  /** Instead of all with the prefix: those whose sort key is before this. */
  before?: string;
  /** Whole key of the item to begin behind, in an index with the index's key. */
  after?: Record<string, string> | undefined;
  limit?: number;
  newestFirst?: boolean;
}

export interface ItemTable {
  get(key: ItemKey): Promise<StoredItem | undefined>;
  /** Consistently; those that are not there are left out. */
  getAll(keys: readonly ItemKey[]): Promise<StoredItem[]>;
  /** One request: at most `limit` items and 1 MB. `more`: there may be others behind them. */
  query(range: Range): Promise<{ items: StoredItem[]; more: boolean }>;
  /** As many requests as it takes. */
  queryAll(range: Range): Promise<StoredItem[]>;
}

/** DynamoDB's limit of a BatchGetItem. */
const BATCH = 100;

export function itemTable(client: DynamoDBDocumentClient, tableName: string): ItemTable {
  const ask = async ({ index, pk, prefix, before, after, limit, newestFirst = false }: Range) => {
    const names = index === undefined ? TABLE : TABLE.indexes[index];
    const [condition, bound] =
      before === undefined ? ['begins_with(#sk, :bound)', prefix] : ['#sk < :bound', before];
    const input: QueryCommandInput = {
      TableName: tableName,
      ...(index === undefined ? { ConsistentRead: true } : { IndexName: TABLE.indexes[index].name }),
      KeyConditionExpression: bound === '' ? '#pk = :pk' : `#pk = :pk AND ${condition}`,
      ExpressionAttributeNames: { '#pk': names.pk, ...(bound !== '' && { '#sk': names.sk }) },
      ExpressionAttributeValues: { ':pk': pk, ...(bound !== '' && { ':bound': bound }) },
      ScanIndexForward: !newestFirst,
      ...(limit !== undefined && { Limit: limit }),
      ...(after && { ExclusiveStartKey: after }),
    };
    const { Items, LastEvaluatedKey } = await call('DynamoDB', () => client.send(new QueryCommand(input)));
    return { items: z.array(StoredItem).parse(Items ?? []), last: LastEvaluatedKey };
  };

  return {
    async get(key) {
      const input = { TableName: tableName, Key: { pk: key.pk, sk: key.sk }, ConsistentRead: true };
      const { Item } = await call('DynamoDB', () => client.send(new GetCommand(input)));
      return Item && StoredItem.parse(Item);
    },
    async getAll(keys) {
      const found: StoredItem[] = [];
      let left: Record<string, unknown>[] = keys.map(({ pk, sk }) => ({ pk, sk }));
      while (left.length > 0) {
        const RequestItems = { [tableName]: { Keys: left.slice(0, BATCH), ConsistentRead: true } };
        const answer = await call('DynamoDB', () => client.send(new BatchGetCommand({ RequestItems })));
        found.push(...z.array(StoredItem).parse(answer.Responses?.[tableName] ?? []));
        left = [...(answer.UnprocessedKeys?.[tableName]?.Keys ?? []), ...left.slice(BATCH)];
      }
      return found;
    },
    async query(range) {
      const { items, last } = await ask(range);
      return { items, more: last !== undefined };
    },
    async queryAll(range) {
      const all: StoredItem[] = [];
      let after = range.after;
      do {
        const { items, last } = await ask({ ...range, after });
        all.push(...items);
        after = last && z.record(z.string(), z.string()).parse(last);
      } while (after !== undefined);
      return all;
    },
  };
}

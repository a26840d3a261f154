import { setTimeout as sleep } from 'node:timers/promises';
import {
  BatchGetCommand,
  type DynamoDBDocumentClient,
  GetCommand,
  QueryCommand,
  type QueryCommandInput,
} from '@aws-sdk/lib-dynamodb';
import { z } from 'zod';
import type { Clock } from '../../ports/clock.ts';
import { fail } from '../../schema/failure.ts';
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
/** Of these at once: as many as the SDK has connections for, with room for others. */
const AT_ONCE = 8;
/** Milliseconds before what was left over is asked for again, with full jitter. */
const FIRST = 20;
const LONGEST = 500;
/** Answers in a row that bring nothing, after which it is given up. */
const ATTEMPTS = 8;

export function itemTable(
  client: DynamoDBDocumentClient,
  tableName: string,
  { randomBytes }: Pick<Clock, 'randomBytes'>,
): ItemTable {
  const chance = (): number => (randomBytes(1)[0] ?? 0) / 256;
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

  /** What is left over, because it was too much at once or too many asked, is asked for again, later and later. */
  const batch = async (keys: readonly ItemKey[]): Promise<StoredItem[]> => {
    const found: StoredItem[] = [];
    let Keys: Record<string, unknown>[] = keys.map(({ pk, sk }) => ({ pk, sk }));
    for (let idle = 0; idle < ATTEMPTS; ) {
      const RequestItems = { [tableName]: { Keys, ConsistentRead: true } };
      const answer = await call('DynamoDB', () => client.send(new BatchGetCommand({ RequestItems })));
      const items = z.array(StoredItem).parse(answer.Responses?.[tableName] ?? []);
      found.push(...items);
      const left = answer.UnprocessedKeys?.[tableName]?.Keys ?? [];
      if (left.length === 0) return found;
      idle = left.length < Keys.length ? 0 : idle + 1;
      Keys = left;
      await sleep(chance() * Math.min(LONGEST, FIRST * 2 ** idle));
    }
    throw fail('too_many_requests', 'DynamoDB is limiting requests; try again in a moment');
  };

  return {
    async get(key) {
      const input = { TableName: tableName, Key: { pk: key.pk, sk: key.sk }, ConsistentRead: true };
      const { Item } = await call('DynamoDB', () => client.send(new GetCommand(input)));
      return Item && StoredItem.parse(Item);
    },
    async getAll(keys) {
      const found: StoredItem[] = [];
      const together = BATCH * AT_ONCE;
      for (let from = 0; from < keys.length; from += together) {
        const some = keys.slice(from, from + together);
        const batches = Array.from({ length: Math.ceil(some.length / BATCH) }, (_, at) =>
          some.slice(at * BATCH, (at + 1) * BATCH),
        );
        for (const items of await Promise.all(batches.map(batch))) found.push(...items);
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

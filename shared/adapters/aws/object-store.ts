import { GetCommand, PutCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { z } from 'zod';
import type { Clock } from '../../ports/clock.ts';
import type { Activity, ObjectStore, Page, Stored } from '../../ports/object-store.ts';
import { NamespacePath, type NamespacePath as Path, ROOT } from '../../schema/ids.ts';
import type { Identity } from '../../schema/resources.ts';
import { TABLE } from '../../schema/table.ts';
import { activityFrom, activityStart, since } from '../table/activity-window.ts';
import { activityCursor, listCursor, treeCursor } from '../table/cursor.ts';
import {
  activityPk,
  answerKey,
  countKey,
  dueAt,
  duePartitions,
  guardKey,
  guardsPrefix,
  hasRef,
  type ItemKey,
  objectKey,
  objectsPrefix,
  onceKey,
  pointedAt,
  sumKey,
  treeKey,
} from '../table/keys.ts';
import { isCurrent, plan, rehearsal } from '../table/plan.ts';
import { limitOf, refPart, treeParts } from '../table/query.ts';
import { readActivity, readAnswer, readObject } from '../table/read.ts';
import { type RefReads, refPage } from '../table/ref-page.ts';
import { readingWhole, type WholeReads } from '../table/whole.ts';
import { call, isNamed } from './client.ts';
import { committing } from './commit.ts';
import { documentClient, type TableOptions } from './document.ts';
import { itemTable, type Range, type StoredItem } from './items.ts';

/** The object store in one DynamoDB table. Requests and capacity of each method: docs/decisions, "storage". */
export function openObjectStore(
  options: TableOptions & { activityDays?: number },
  clock: Clock,
): ObjectStore {
  const client = options.client ?? documentClient(options);
  const { tableName, activityDays = 0 } = options;
  const items = itemTable(client, tableName, clock);
  const commit = committing(client, tableName, clock);

  const object = <I extends Identity>(resource: I, item: StoredItem): Stored<I> =>
    readObject(resource, item.object, `${item.pk} ${item.sk}`);

  /** One page out of several ranges, one behind the other. One item more than asked for tells whether more follow. */
  const page = async <T>(
    ranges: readonly Range[],
    limit: number,
    read: (item: StoredItem) => T,
    cursor: (last: T) => string,
  ): Promise<Page<T>> => {
    const found: T[] = [];
    for (const range of ranges) {
      const answer = await items.query({ ...range, limit: limit + 1 - found.length });
      found.push(...answer.items.map(read));
      const last = found[Math.min(limit, found.length) - 1];
      if (last !== undefined && (found.length > limit || answer.more))
        return { items: found.slice(0, limit), next: cursor(last) };
    }
    return { items: found };
  };

  const inRefs: RefReads['query'] = ({ after, ...range }) =>
    items.query({ ...range, index: 'ref', after: after && { ...after } });

  const reads: WholeReads = {
    sum: async (resource, namespace) => {
      const get = new GetCommand({
        TableName: tableName,
        Key: { ...sumKey(resource, namespace) },
        ConsistentRead: true,
      });
      const { Item } = await call('DynamoDB', () => client.send(get));
      return Summed.parse(Item ?? {}).weight;
    },
    list: async (resource, namespace) => {
      const range = { pk: namespace, prefix: objectsPrefix(resource) };
      return (await items.queryAll(range)).map(item => object(resource, item));
    },
  };
  const all = readingWhole(reads, clock);

  /** What `once` or `take` keeps; DynamoDB may show what has ended for a while. */
  const usedAt = async (key: ItemKey): Promise<{ uses?: number | undefined; ttl?: number | undefined }> => {
    const get = new GetCommand({ TableName: tableName, Key: { ...key }, ConsistentRead: true });
    const { Item } = await call('DynamoDB', () => client.send(get));
    const { uses, [TABLE.ttl]: ttl } = Used.parse(Item ?? {});
    return { uses, ttl };
  };

  const tenants = async (): Promise<Path[]> => {
    const prefix = guardsPrefix('namespace');
    const guards = await items.queryAll({ pk: ROOT, prefix });
    return guards.map(({ sk }) => NamespacePath.parse(sk.slice(prefix.length))).filter(path => path !== ROOT);
  };

  return {
    async get(key) {
      const item = await items.get(objectKey(key));
      return item && object(key.resource, item);
    },

    async getByName(resource, namespace, name) {
      const item = await items.get(guardKey(resource, namespace, name));
      return item?.object === undefined ? undefined : object(resource, item);
    },

    async list(resource, namespace, query) {
      const [id] = query.after === undefined ? [] : listCursor.read(query.after, namespace);
      const after = id && { ...objectKey({ resource, namespace, id }) };
      const range = { pk: namespace, prefix: objectsPrefix(resource), after };
      const cursor = (last: Stored) => listCursor.write([last.ID]);
      return page([range], limitOf(query), item => object(resource, item), cursor);
    },

    all: all as ObjectStore['all'],

    async listTree(resource, namespace, query) {
      const place = query.after === undefined ? undefined : treeCursor.read(query.after, namespace);
      const key = place && { resource, namespace: place[0], id: place[1] };
      const start = key && { ...objectKey(key), ...treeKey(key) };
      const parts = treeParts(resource, namespace, namespace === ROOT ? await tenants() : [], place);
      const ranges = parts.map(
        ({ after, ...part }): Range => ({
          ...part,
          index: 'tree',
          after: after === undefined ? undefined : start,
        }),
      );
      const cursor = (last: Stored) => treeCursor.write([last.namespace, last.ID]);
      return page(ranges, limitOf(query), item => object(resource, item), cursor);
    },

    async findBy(resource, tenant, attribute, value) {
      const pk = refPart(resource, tenant, attribute, value);
      const indexed = await items.queryAll({ index: 'ref', pk, prefix: '' });
      const byID = attribute === 'ID';
      const targets = await items.getAll(indexed.map(byID ? ({ pk, sk }) => ({ pk, sk }) : pointedAt));
      return targets
        .map(item => object(resource, item))
        .filter(found => byID || hasRef(resource, found, attribute, value))
        .sort((a, b) => (order(resource, a) < order(resource, b) ? -1 : 1));
    },

    listBy: (resource, namespace, query) =>
      refPage(resource, namespace, query, { query: inRefs, getAll: items.getAll, tenants }, object),

    async due(resource, by) {
      const before = by.toISOString();
      const found = await Promise.all(
        duePartitions(resource).map(pk => items.queryAll({ index: 'due', pk, prefix: '', before })),
      );
      return found.flat().map(item => dueAt(resource, item));
    },

    commit: async writes => commit(plan(writes, activityDays)),

    check: async writes => commit(rehearsal(plan(writes))),

    async answered(tenant, key) {
      const at = answerKey(tenant, key);
      const item = await items.get(at);
      const answer = item && readAnswer(item.object, `${at.pk} ${at.sk}`);
      return answer && isCurrent(answer, clock.now()) ? answer : undefined;
    },

    /** A retry of the SDK after a lost answer says false for a key that nobody had used: a token is refused, never taken twice. */
    async once(tenant, key, ttlSeconds) {
      const now = Math.floor(clock.now().getTime() / 1000);
      const put = new PutCommand({
        TableName: tableName,
        Item: { ...onceKey(tenant, key), [TABLE.ttl]: now + ttlSeconds },
        ConditionExpression: 'attribute_not_exists(pk) OR #ttl <= :now',
        ExpressionAttributeNames: { '#ttl': TABLE.ttl },
        ExpressionAttributeValues: { ':now': now },
      });
      try {
        await call('DynamoDB', () => client.send(put));
        return true;
      } catch (error) {
        if (isNamed(error, 'ConditionalCheckFailedException')) return false;
        throw error;
      }
    },

    /** A retry of the SDK after a lost answer counts twice: a use is lost, never gained. */
    async take(tenant, key, limit, ttlSeconds) {
      const now = Math.floor(clock.now().getTime() / 1000);
      const update = new UpdateCommand({
        TableName: tableName,
        Key: countKey(tenant, key),
        UpdateExpression: 'SET #ttl = if_not_exists(#ttl, :ttl) ADD uses :one',
        ConditionExpression: 'attribute_not_exists(uses) OR uses < :limit',
        ExpressionAttributeNames: { '#ttl': TABLE.ttl },
        ExpressionAttributeValues: { ':ttl': now + ttlSeconds, ':one': 1, ':limit': limit },
        ReturnValues: 'UPDATED_NEW',
      });
      try {
        const { Attributes } = await call('DynamoDB', () => client.send(update));
        return Counted.parse(Attributes).uses;
      } catch (error) {
        if (isNamed(error, 'ConditionalCheckFailedException')) return undefined;
        throw error;
      }
    },

    async wasUsed(tenant, key) {
      const { ttl = 0 } = await usedAt(onceKey(tenant, key));
      return ttl > Math.floor(clock.now().getTime() / 1000);
    },

    uses: async (tenant, key) => (await usedAt(countKey(tenant, key))).uses ?? 0,

    async activities(namespace, query) {
      const pk = activityPk(namespace);
      const sk = activityStart(query, namespace);
      const range = { pk, prefix: '', after: sk === undefined ? undefined : { pk, sk }, newestFirst: true };
      const cursor = (last: Activity) => activityCursor.write([last.date, last.id]);
      const read = (item: StoredItem) => readActivity(item.object, `${item.pk} ${item.sk}`);
      const from = activityFrom(query, activityDays, clock.now());
      return since(await page([range], limitOf(query), read, cursor), from);
    },

    async close() {
      client.destroy();
    },
  };
}

const Summed = z.object({ weight: z.union([z.bigint(), z.int().transform(BigInt)]).default(0n) });
const Counted = z.object({ uses: z.number() });
const Used = z.object({ uses: z.number().optional(), [TABLE.ttl]: z.number().optional() });

const order = (resource: Identity, object: Stored): string =>
  treeKey({ resource, namespace: object.namespace, id: object.ID }).treeSk;

import type { Clock } from '../../ports/clock.ts';
import type { Activity, ObjectStore, Page, Stored } from '../../ports/object-store.ts';
import { LIMITS } from '../../schema/config.ts';
import { NamespacePath, ROOT } from '../../schema/ids.ts';
import type { Identity } from '../../schema/resources.ts';
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
} from '../table/keys.ts';
import { type Item, isCurrent, plan, rehearsal, type Step, stepKey } from '../table/plan.ts';
import { limitOf, type Part, refPart, treeParts } from '../table/query.ts';
import { readActivity, readAnswer, readObject } from '../table/read.ts';
import { type Held, type RefReads, refPage } from '../table/ref-page.ts';
import { readingWhole, type WholeReads } from '../table/whole.ts';
import type { Database } from './database.ts';
import { checksum, holds, type ItemTable, itemTable } from './items.ts';

/** The object store in SQLite, with DynamoDB's keys, conditions and limits. Objects are compared with their checksums. */
export function openObjectStore(
  database: Database,
  { now }: Pick<Clock, 'now'>,
  { activityDays = 0 }: { activityDays?: number } = {},
): ObjectStore {
  const items = itemTable(database);
  const run = transaction(database, items);
  const expire = database.handle.prepare('DELETE FROM items WHERE expires <= ?');

  const object = <I extends Identity>(resource: I, item: Held): Stored<I> =>
    readObject(resource, item.object, `${item.pk} ${item.sk}`);

  /** One page out of several ranges, one behind the other. */
  const page = <T>(
    index: 'items' | 'tree',
    parts: readonly Part[],
    limit: number,
    read: (item: Item) => T,
    cursor: (last: T) => string,
    newestFirst = false,
  ): Page<T> => {
    const found: T[] = [];
    let bytes: number = LIMITS.page;
    for (const part of parts) {
      const next = items.query({ ...part, index, limit: limit - found.length, bytes, newestFirst });
      found.push(...next.items.map(read));
      bytes -= next.bytes;
      const last = found.at(-1);
      if (next.more && last !== undefined) return { items: found, next: cursor(last) };
    }
    return { items: found };
  };

  const inRefs: RefReads['query'] = async ({ after, ...range }) =>
    items.query({ ...range, index: 'ref', after: after?.refSk, bytes: Number.POSITIVE_INFINITY });

  const getAll: RefReads['getAll'] = async keys =>
    keys.map(key => items.get(key)).filter(item => item !== undefined);

  const everyItem = { limit: Number.POSITIVE_INFINITY, bytes: Number.POSITIVE_INFINITY };
  const reads: WholeReads = {
    sum: async (resource, namespace) => BigInt(items.get(sumKey(resource, namespace))?.object ?? 0),
    list: async (resource, namespace) =>
      items
        .query({ index: 'items', pk: namespace, prefix: objectsPrefix(resource), ...everyItem })
        .items.map(item => object(resource, item)),
  };
  const all = readingWhole(reads, { now });

  /** What `once` or `take` keeps, while it lasts. */
  const usedAt = (key: ItemKey): Item | undefined => {
    const item = items.get(key);
    return item && Number(item.expires ?? 0) > now().getTime() / 1000 ? item : undefined;
  };

  const tenants = (): NamespacePath[] => {
    const prefix = guardsPrefix('namespace');
    return items
      .query({ index: 'items', pk: ROOT, prefix, ...everyItem })
      .items.map(item => NamespacePath.parse(item.sk.slice(prefix.length)))
      .filter(path => path !== ROOT);
  };

  return {
    async get(key) {
      const item = items.get(objectKey(key));
      return item && object(key.resource, item);
    },

    async getByName(resource, namespace, name) {
      const item = items.get(guardKey(resource, namespace, name));
      return item?.object === undefined ? undefined : object(resource, item);
    },

    async list(resource, namespace, query) {
      const place = query.after === undefined ? undefined : listCursor.read(query.after, namespace);
      const prefix = objectsPrefix(resource);
      const part = { pk: namespace, prefix, ...(place && { after: `${prefix}${place[0]}` }) };
      const read = (item: Item) => object(resource, item);
      return page('items', [part], limitOf(query), read, last => listCursor.write([last.ID]));
    },

    all: all as ObjectStore['all'],

    async listTree(resource, namespace, query) {
      const place = query.after === undefined ? undefined : treeCursor.read(query.after, namespace);
      const parts = treeParts(resource, namespace, namespace === ROOT ? tenants() : [], place);
      const read = (item: Item) => object(resource, item);
      return page('tree', parts, limitOf(query), read, last => treeCursor.write([last.namespace, last.ID]));
    },

    async findBy(resource, tenant, attribute, value) {
      const pk = refPart(resource, tenant, attribute, value);
      return items.query({ index: 'ref', pk, prefix: '', ...everyItem }).items.flatMap(item => {
        const target = item.object === undefined ? items.get(pointedAt(item)) : item;
        const found = target && object(resource, target);
        return found && (attribute === 'ID' || hasRef(resource, found, attribute, value)) ? [found] : [];
      });
    },

    listBy: (resource, namespace, query) =>
      refPage(resource, namespace, query, { query: inRefs, getAll, tenants: async () => tenants() }, object),

    due: async (resource, by) =>
      duePartitions(resource)
        .flatMap(pk => items.keysBefore(pk, by.toISOString()))
        .map(key => dueAt(resource, key)),

    commit: async writes => run(plan(writes, activityDays)),

    check: async writes => run(rehearsal(plan(writes))),

    async answered(tenant, key) {
      const at = answerKey(tenant, key);
      const item = items.get(at);
      const answer = item && readAnswer(item.object, `${at.pk} ${at.sk}`);
      return answer && isCurrent(answer, now()) ? answer : undefined;
    },

    once: async (tenant, key, ttlSeconds) => {
      const seconds = Math.floor(now().getTime() / 1000);
      return database.write(() => {
        expire.run(seconds);
        const at = onceKey(tenant, key);
        if (items.get(at)) return false;
        items.put({ ...at, expires: seconds + ttlSeconds });
        return true;
      });
    },

    take: async (tenant, key, limit, ttlSeconds) => {
      const seconds = Math.floor(now().getTime() / 1000);
      return database.write(() => {
        expire.run(seconds);
        const at = countKey(tenant, key);
        const found = items.get(at);
        const use = Number(found?.object ?? 0) + 1;
        if (use > limit) return undefined;
        items.put({ ...at, object: String(use), expires: found?.expires ?? seconds + ttlSeconds });
        return use;
      });
    },

    wasUsed: async (tenant, key) => usedAt(onceKey(tenant, key)) !== undefined,

    uses: async (tenant, key) => Number(usedAt(countKey(tenant, key))?.object ?? 0),

    async activities(namespace, query) {
      const pk = activityPk(namespace);
      const after = activityStart(query, namespace);
      const part = { pk, prefix: '', ...(after === undefined ? {} : { after }) };
      const read = (item: Item) => readActivity(item.object, `${item.pk} ${item.sk}`);
      const cursor = (last: Activity) => activityCursor.write([last.date, last.id]);
      const from = activityFrom(query, activityDays, now());
      return since(await page('items', [part], limitOf(query), read, cursor, true), from);
    },

    /** Waits for what was asked for; the database belongs to whoever opened it. */
    close: () => database.write(() => undefined),
  };
}

/** Checks every condition and then does every step, in one transaction with the rows of the change feed. */
function transaction(database: Database, items: ItemTable): (steps: readonly Step[]) => Promise<void> {
  const record = database.handle.prepare(
    'INSERT INTO changes (resource, operation, before, after, crc) VALUES (?, ?, ?, ?, ?)',
  );
  return steps =>
    database.write(() => {
      const found = steps.map(step => (step.when === undefined ? undefined : items.get(stepKey(step))));
      for (const [index, step] of steps.entries())
        if (!holds(step.when, found[index])) throw step.otherwise(found[index] !== undefined);
      for (const [index, { action, emits }] of steps.entries()) {
        if ('put' in action) items.put(action.put);
        if ('delete' in action) items.delete(action.delete);
        if ('add' in action) items.add(action.add, action.by);
        if (!emits) continue;
        const before = found[index]?.object ?? null;
        const after = 'put' in action ? (action.put.object ?? null) : null;
        record.run(emits.resource, emits.operation, before, after, checksum(`${before}${after}`));
      }
    });
}

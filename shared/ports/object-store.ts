import type { NamespacePath, ObjectId } from '../schema/ids.ts';
import type { Ref } from '../schema/resource.ts';
import type { Identity, ObjectOf } from '../schema/resources.ts';

/** One object, whole, as schema/ says. */
export type Stored<I extends Identity = Identity> = ObjectOf<I>;

/** How an object is addressed. `namespace` is where it lives: a namespace object lives in its parent. */
export interface Key<I extends Identity = Identity> {
  resource: I;
  namespace: NamespacePath;
  id: ObjectId;
}

/**
 * What was done or refused, by whom: an item of the activity log. What was done is written in the transaction of the
 * write itself; what was refused has an `error`.
 */
export interface Activity {
  id: ObjectId;
  namespace: NamespacePath;
  /** RFC 3339 UTC. */
  date: string;
  operation: 'create' | 'update' | 'delete';
  /** What the permission is on: a resource, or an operation such as `import`. */
  targetIdentity: string;
  /** Absent where a refused write named no object. */
  targetID?: ObjectId;
  /** `@auth:` claims of the caller, or `@auth:realm=system` and the task's name. */
  claims: readonly string[];
  /** Address that the caller was seen at; absent for what the system does itself. */
  source?: string;
  requestID: string;
  /** Secrets removed. */
  before?: unknown;
  after?: unknown;
  /** Why it was refused: entries of the error body, without the values that were sent. */
  error?: readonly ActivityError[];
  /** How many writes were refused to the caller in the minute that the entry ends, at least; absent: the entry is of one. */
  count?: number;
}

export interface ActivityError {
  code: number;
  title: string;
  description: string;
}

/** Part of the activity log: from a moment on and before another one, each RFC 3339 UTC with milliseconds. */
export interface ActivityQuery extends ListQuery {
  /** Inclusive. */
  from?: string;
  /** Exclusive. */
  to?: string;
}

/** What a POST with an `Idempotency-Key` was answered, kept for 24 hours in the transaction of its own write. */
export interface Answered {
  tenant: NamespacePath;
  /** As sent. */
  key: string;
  /** Digest of the request: the key with another one is refused. */
  request: string;
  /** Secrets removed. */
  body: unknown;
  messages: readonly string[];
  /** RFC 3339 UTC. */
  date: string;
}

/**
 * One step of a transaction.
 * - `create` fails with `duplicate` when the resource's unique attribute is taken in the namespace, and with `conflict` when the ID exists.
 * - `update` and `delete` fail with `conflict` when the stored `updateTime` is not `seen`, with `not_found` when there is no such object.
 *   An update of a resource with `elementRefs` or `foundBy` says what was there `before`, as `seen`, so that look-ups of the elements that are
 *   gone end with it. A delete is of the object as it was stored.
 * - `refresh` is an update over the object's own `updateTime`, which stays, as do the attributes of `refs` and `elementRefs`: what a reader has
 *   seen is still the newest version. It writes one item where the resource has no unique attribute.
 * - `require` fails with `not_found` when the namespace does not exist or is being deleted; the root always does.
 * - `answer` fails with `conflict` when the tenant has an answer to the key that is younger than 24 hours.
 */
export type Write =
  | { kind: 'create'; resource: Identity; object: Stored }
  | { kind: 'update'; resource: Identity; object: Stored; seen: string; before?: Stored }
  | { kind: 'refresh'; resource: Identity; object: Stored }
  | { kind: 'delete'; resource: Identity; object: Stored; seen: string }
  | { kind: 'require'; namespace: NamespacePath }
  | { kind: 'activity'; activity: Activity }
  | { kind: 'answer'; answer: Answered };

export interface ListQuery {
  /** Objects a page; at least 1. An adapter may return fewer (a page is at most 1 MB) and then says `next`. */
  limit: number;
  /** Opaque cursor of an earlier page of the same query. */
  after?: string;
}

/** A list of what an index finds. */
export interface RefQuery extends ListQuery {
  /** What lives below the namespace too. */
  recursive: boolean;
  /** An object has one of them at least. `attribute`: as `findBy` takes it. */
  refs: readonly Ref[];
}

export interface Page<T> {
  items: T[];
  /** Absent on the last page. */
  next?: string;
}

/**
 * The object store. Keys are built from the namespace; whatever is outside it cannot be named.
 * Reads by key, `all` and lists of one namespace are consistent; `listTree`, `findBy`, `listBy` and `due` may be stale by moments.
 * Order of every list: namespace path as if it ended in `/`, so that parents precede children, then ID (time of creation).
 */
export interface ObjectStore {
  get<I extends Identity>(key: Key<I>): Promise<Stored<I> | undefined>;
  /** By the resource's unique attribute (namespaces: the full path). One read. Hidden namespaces are not found by it. */
  getByName<I extends Identity>(
    resource: I,
    namespace: NamespacePath,
    name: string,
  ): Promise<Stored<I> | undefined>;
  /** Objects that live in this very namespace. */
  list<I extends Identity>(resource: I, namespace: NamespacePath, query: ListQuery): Promise<Page<Stored<I>>>;
  /** All objects that live in this very namespace, of a resource with `summed`, as `list` would give them; they are read where they changed. */
  all<I extends Identity>(resource: I, namespace: NamespacePath): Promise<readonly Stored<I>[]>;
  /** Objects that live in this namespace or anywhere below it. */
  listTree<I extends Identity>(
    resource: I,
    namespace: NamespacePath,
    query: ListQuery,
  ): Promise<Page<Stored<I>>>;
  /** Objects of a tenant by ID, by an attribute that the resource lists in `refs`, by an element of one in `elementRefs`, or by `foundBy`. */
  findBy<I extends Identity>(
    resource: I,
    tenant: NamespacePath,
    attribute: string,
    value: string,
  ): Promise<Stored<I>[]>;
  /**
   * What `list`, or `listTree` where it is recursive, has that `findBy` finds by one of `refs`: each object once, in the order and by the
   * cursors of those. What is read grows with the page alone. A page may be short, and empty, and then says `next`.
   */
  listBy<I extends Identity>(
    resource: I,
    namespace: NamespacePath,
    query: RefQuery,
  ): Promise<Page<Stored<I>>>;
  /**
   * Where the objects are, in all tenants, whose moment (`due` of the resource) is before `by`; no more than those is read. Who needs to be
   * sure reads the object. In no order.
   */
  due<I extends Identity>(resource: I, by: Date): Promise<Key<I>[]>;
  /** All steps or none; at most 100; durable when it resolves. Emits one change per object written. */
  commit(writes: readonly Write[]): Promise<void>;
  /** Fails as `commit` would, and writes nothing: for dry runs. */
  check(writes: readonly Write[]): Promise<void>;
  /** What was answered to an `Idempotency-Key` within the last 24 hours. Consistent. */
  answered(tenant: NamespacePath, key: string): Promise<Answered | undefined>;
  /** True the first time for a key within `ttlSeconds`, false ever after: one-use tokens. Atomic. */
  once(tenant: NamespacePath, key: string, ttlSeconds: number): Promise<boolean>;
  /**
   * Counts one use of a key: which one it is, from 1, or undefined when `limit` of them were counted before. Atomic.
   * Counting begins anew some time after `ttlSeconds` from the first use.
   */
  take(tenant: NamespacePath, key: string, limit: number, ttlSeconds: number): Promise<number | undefined>;
  /** Whether `once` would say false for the key now, and nothing else: for dry runs. Consistent. */
  wasUsed(tenant: NamespacePath, key: string): Promise<boolean>;
  /** How many uses `take` has counted of the key, and nothing else: for dry runs. Consistent. */
  uses(tenant: NamespacePath, key: string): Promise<number>;
  /** Activity of one namespace, newest first. */
  activities(namespace: NamespacePath, query: ActivityQuery): Promise<Page<Activity>>;
  close(): Promise<void>;
}

import type { NamespacePath, ObjectId } from '../schema/ids.ts';
import type { Tag } from '../schema/tag.ts';

/** What the publisher keeps of one namespace that has an enforcer. */
export interface Publication {
  namespace: NamespacePath;
  namespaceID: ObjectId;
  /** Rises with every mark. Above `published`: a change has not reached the bundle yet. */
  marked: number;
  published: number;
  /** Of the published bundle; 0 before the first. */
  revision: number;
  /** SHA-256 of its policy.json, and the revision since which it is that; empty and 0 before the first. */
  digest: string;
  since: number;
  /** When it became that: RFC 3339 UTC; empty before the first. */
  changed: string;
  /** Object clauses of the published policy: which processing units it can name. */
  selectors: Tag[][];
  /** The namespace itself and those below whose policies the bundle holds. */
  reaches: NamespacePath[];
}

/**
 * The publisher's to-do list, one entry for each namespace that has an enforcer. Marks are durable and idempotent to
 * act on: publishing twice gives the same bundle. On AWS a marked entry wakes the publisher through the table's stream.
 */
export interface Publications {
  /** All of a tenant, sorted by namespace. Consistent. */
  list(tenant: NamespacePath): Promise<Publication[]>;
  get(tenant: NamespacePath, namespaceID: ObjectId): Promise<Publication | undefined>;
  /** Raises `marked`; makes the entry when there is none. */
  mark(namespace: NamespacePath, namespaceID: ObjectId): Promise<void>;
  /** Records what was published for the mark that was seen before compiling; a later mark stays open. */
  done(entry: Publication): Promise<void>;
  /** Forgets a namespace that was deleted. */
  remove(tenant: NamespacePath, namespaceID: ObjectId): Promise<void>;
}

/**
 * Names of the one DynamoDB table's keys and indexes. cdk/ makes the table with them, adapters/aws/keys.ts fills them;
 * what the values look like is stated there. All of them are strings but `expires`.
 */
export const TABLE = {
  pk: 'pk',
  sk: 'sk',
  /** Seconds since the epoch after which DynamoDB may remove the item (idempotency entries). Up to days late. */
  ttl: 'expires',
  indexes: {
    /** Recursive lists: `<tenant>#<resource>` and then by namespace path. */
    tree: { name: 'tree', pk: 'treePk', sk: 'treeSk', projection: 'ALL' },
    /** Look-ups by ID or label. Keys alone, as they never change: of all writes the first and the last write here. */
    ref: { name: 'ref', pk: 'refPk', sk: 'refSk', projection: 'KEYS_ONLY' },
    /** What somebody has to look at by some moment. Keys alone: a write that leaves the moment as it was writes nothing here. */
    due: { name: 'due', pk: 'duePk', sk: 'dueSk', projection: 'KEYS_ONLY' },
  },
} as const;

/**
 * How the stream tells items apart. adapters/aws/keys.ts makes keys that begin like this, the filters of the stream's
 * readers in cdk/ let through only these.
 */
export const STREAM = {
  /** `pk` of an entry on the publisher's to-do list begins so. */
  publication: 'publication#',
  /** `pk` of an item of a listener's connection begins so. No reader of the stream is told of it. */
  connection: 'connection#',
  /** `pk` of an object begins so: it is a namespace path. */
  object: '/',
  /** `sk` of an object of one resource begins so. */
  ofResource: (identity: string) => `${identity}#`,
} as const;

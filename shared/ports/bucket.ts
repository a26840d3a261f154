export interface BucketObject {
  body: Uint8Array;
  /** Quoted, as in the ETag header. Equal for equal bodies. */
  etag: string;
}

export type GetResult =
  | ({ found: true; modified: true } & BucketObject)
  | { found: true; modified: false; etag: string }
  | { found: false };

export interface PutCondition {
  /** Replace only the object that has this ETag. */
  ifMatch?: string;
  /** Only when there is no object. */
  ifNoneMatch?: '*';
}

/** S3 with the semantics that we use: atomic whole-object writes, read after write, conditional PUT and GET. */
export interface Bucket {
  get(key: string, condition?: { ifNoneMatch?: string }): Promise<GetResult>;
  /** The body in pieces, for what is too large to be held; undefined when there is none. */
  read(key: string): Promise<AsyncIterable<Uint8Array> | undefined>;
  /** Durable when it resolves. `conflict`: the condition did not hold and nothing was written. */
  put(
    key: string,
    body: Uint8Array,
    options: PutCondition & { contentType: string },
  ): Promise<{ outcome: 'written'; etag: string } | { outcome: 'conflict' }>;
  /** Keys below a prefix, sorted. */
  list(prefix: string): Promise<string[]>;
  /** Fine when there is none. */
  delete(key: string): Promise<void>;
}

import type { Identity } from '../schema/resources.ts';
import type { Stored } from './object-store.ts';

/** One committed write of one object. `before` is absent for creates, `after` for deletes. */
export interface Change {
  resource: Identity;
  operation: 'create' | 'update' | 'delete';
  before?: Stored;
  after?: Stored;
}

export interface ChangeBatch {
  changes: Change[];
  /** Pass to the next read, or store it: reading goes on behind this batch, also after a restart. */
  cursor: string;
}

/**
 * Every commit of the object store, at least once, in commit order for one object.
 * On AWS the stream itself calls functions/events; in one process a pump reads and remembers the cursor.
 */
export interface ChangeFeed {
  /** The first cursor: everything that is still kept. */
  start(): Promise<string>;
  /** Up to `limit` changes; an empty batch when there is nothing new. */
  read(cursor: string, limit: number): Promise<ChangeBatch>;
}

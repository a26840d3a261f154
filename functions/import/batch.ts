import type { ObjectStore, Write } from '../../shared/ports/object-store.ts';
import { LIMITS } from '../../shared/schema/config.ts';
import { elementsOf } from '../../shared/schema/resource.ts';
import { resourceOf } from '../../shared/schema/resources.ts';

/** The writes that one entry of an import comes to. */
export interface Prepared<T> {
  entry: T;
  writes: Write[];
}

/** The store as it is, but what is committed is kept for later. */
export function recording(store: ObjectStore, writes: Write[]): ObjectStore {
  return { ...store, commit: async more => void writes.push(...more) };
}

/** Half of what a transaction takes, since keys and names count too. */
const BYTES = 2 * 1024 * 1024;

/** Items of a transaction: an object has one, one for its unique name, one for each look-up and one for the sum, at most. */
const itemsOf = (write: Write): number => {
  if (write.kind === 'require') return 0;
  if (!('resource' in write)) return 1;
  const resource = resourceOf(write.resource);
  const { unique, refs = [], summed } = resource;
  const objects = [write.object, ...(write.kind === 'update' && write.before ? [write.before] : [])];
  const elements = objects.flatMap(object => elementsOf(resource, object));
  return 1 + (unique === undefined ? 0 : 1) + refs.length + elements.length + (summed ? 1 : 0);
};

/**
 * In so few transactions as they fit into, each entry whole. Items are kept free for the namespace itself, and for `others`.
 */
export function chunks<P extends Prepared<unknown>>(prepared: readonly P[], others = 0): P[][] {
  const most = LIMITS.transaction - others;
  const all: P[][] = [];
  let [items, bytes] = [Number.POSITIVE_INFINITY, 0];
  for (const one of prepared) {
    const more = one.writes.reduce((sum, write) => sum + itemsOf(write), 0);
    const size = JSON.stringify(one.writes).length;
    if (items + more >= most || bytes + size > BYTES) {
      all.push([]);
      [items, bytes] = [0, 0];
    }
    all.at(-1)?.push(one);
    items += more;
    bytes += size;
  }
  return all;
}

import type { Tag } from '../schema/tag.ts';
import { isWildcard, tagKey, wildcardPrefix } from './tags.ts';

/** The tags of one key: who carries each. `sorted` is made when a wildcard asks, and dropped when a tag comes or goes. */
interface KeyIndex<T> {
  lists: Map<string, T[]>;
  sorted: string[] | undefined;
}

/** Keys that are indexed one at a time, each in a pass over all items; after that all others in one pass. */
const SINGLE_KEYS = 32;

/** First position whose tag is not before `wanted`. */
function lowerBound(tags: readonly string[], wanted: string): number {
  let low = 0;
  let high = tags.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((tags[middle] ?? '') < wanted) low = middle + 1;
    else high = middle;
  }
  return low;
}

function addTo<T>(index: KeyIndex<T>, tag: string, item: T): void {
  const list = index.lists.get(tag);
  if (list) list.push(item);
  else {
    index.lists.set(tag, [item]);
    index.sorted = undefined;
  }
}

function removeFrom<T>(index: KeyIndex<T>, tag: string, item: T): void {
  const list = index.lists.get(tag);
  const at = list?.indexOf(item) ?? -1;
  if (!list || at < 0) return;
  const last = list.pop();
  if (last !== undefined && at < list.length) list[at] = last;
  if (list.length > 0) return;
  index.lists.delete(tag);
  index.sorted = undefined;
}

/**
 * Tag → the items that carry it, for the keys that clauses ask for. A clause is answered from its rarest tag, so
 * that its cost follows what it selects and not how many items there are.
 */
export class Postings<T> {
  readonly #all: () => Iterable<T>;
  readonly #tagsOf: (item: T) => readonly Tag[];
  readonly #keys = new Map<string, KeyIndex<T>>();
  #complete = false;

  constructor(all: () => Iterable<T>, tagsOf: (item: T) => readonly Tag[]) {
    this.#all = all;
    this.#tagsOf = tagsOf;
  }

  /** `item` was added to what `all` gives. */
  add(item: T): void {
    if (this.#keys.size === 0 && !this.#complete) return;
    for (const tag of this.#tagsOf(item)) {
      const index = this.#known(tagKey(tag));
      if (index) addTo(index, tag, item);
    }
  }

  /** `item` was taken from what `all` gives. */
  remove(item: T): void {
    for (const tag of this.#tagsOf(item)) {
      const index = this.#keys.get(tagKey(tag));
      if (index) removeFrom(index, tag, item);
    }
  }

  /** Items that carry the clause's rarest tag: all that the clause can select, and maybe more. May hold one twice. */
  candidates(clause: readonly Tag[]): readonly T[] {
    let best: readonly T[] | undefined;
    for (const tag of clause) {
      if (isWildcard(tag)) continue;
      const list = this.#index(tagKey(tag)).lists.get(tag) ?? [];
      if (!best || list.length < best.length) best = list;
    }
    if (best) return best;
    const lists = clause.map(tag => this.#startingWith(wildcardPrefix(tag)));
    return lists.reduce((a, b) => (b.length < a.length ? b : a), lists[0] ?? []);
  }

  #startingWith(prefix: string): readonly T[] {
    const index = this.#index(tagKey(prefix));
    index.sorted ??= [...index.lists.keys()].sort();
    const found: T[] = [];
    for (let at = lowerBound(index.sorted, prefix); index.sorted[at]?.startsWith(prefix); at++)
      for (const item of index.lists.get(index.sorted[at] ?? '') ?? []) found.push(item);
    return found;
  }

  /** The index of a key, if it is kept up to date. */
  #known(key: string): KeyIndex<T> | undefined {
    const known = this.#keys.get(key);
    if (known || !this.#complete) return known;
    const made: KeyIndex<T> = { lists: new Map(), sorted: undefined };
    this.#keys.set(key, made);
    return made;
  }

  #index(key: string): KeyIndex<T> {
    const known = this.#known(key);
    if (known) return known;
    if (this.#keys.size >= SINGLE_KEYS) return this.#indexAll(key);
    const made: KeyIndex<T> = { lists: new Map(), sorted: undefined };
    const start = `${key}=`;
    for (const item of this.#all())
      for (const tag of this.#tagsOf(item)) if (tag.startsWith(start)) addTo(made, tag, item);
    this.#keys.set(key, made);
    return made;
  }

  #indexAll(wanted: string): KeyIndex<T> {
    this.#complete = true;
    this.#keys.clear();
    for (const item of this.#all()) this.add(item);
    return this.#known(wanted) ?? { lists: new Map(), sorted: undefined };
  }
}

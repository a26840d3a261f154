import type { Tag } from '../schema/tag.ts';
import { isWildcard, tagKey, wildcardPrefix } from './tags.ts';

/** All tags with one key, for look-ups by prefix. */
interface KeyTags {
  tags: string[];
  sorted: boolean;
  /** How many of them nothing carries any more. */
  stale: number;
}

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

/**
 * Tag → the items that carry it. A clause is answered from its rarest tag, so that its cost follows what it
 * selects and not how many items there are.
 */
export class Postings<T> {
  readonly #lists = new Map<string, T[]>();
  /** Only for keys that some wildcard asked for. */
  readonly #keys = new Map<string, KeyTags>();

  add(tags: readonly Tag[], item: T): void {
    for (const tag of tags) {
      const list = this.#lists.get(tag);
      if (list) list.push(item);
      else {
        this.#lists.set(tag, [item]);
        this.#noteNew(tag);
      }
    }
  }

  remove(tags: readonly Tag[], item: T): void {
    for (const tag of tags) {
      const list = this.#lists.get(tag);
      const at = list?.indexOf(item) ?? -1;
      if (!list || at < 0) continue;
      const last = list.pop();
      if (last !== undefined && at < list.length) list[at] = last;
      if (list.length === 0) {
        this.#lists.delete(tag);
        this.#noteGone(tag);
      }
    }
  }

  /** Items that carry the clause's rarest tag: all that the clause can select, and maybe more. May hold one twice. */
  candidates(clause: readonly Tag[]): readonly T[] {
    let best: readonly T[] | undefined;
    for (const tag of clause) {
      if (isWildcard(tag)) continue;
      const list = this.#lists.get(tag) ?? [];
      if (!best || list.length < best.length) best = list;
    }
    if (best) return best;
    const lists = clause.map(tag => this.#startingWith(wildcardPrefix(tag)));
    return lists.reduce((a, b) => (b.length < a.length ? b : a), lists[0] ?? []);
  }

  #startingWith(prefix: string): readonly T[] {
    const { tags } = this.#keyTags(tagKey(prefix));
    const found: T[] = [];
    for (let at = lowerBound(tags, prefix); tags[at]?.startsWith(prefix); at++)
      for (const item of this.#lists.get(tags[at] ?? '') ?? []) found.push(item);
    return found;
  }

  #keyTags(key: string): KeyTags {
    let known = this.#keys.get(key);
    if (!known) {
      known = { tags: [...this.#lists.keys()].filter(tag => tagKey(tag) === key), sorted: false, stale: 0 };
      this.#keys.set(key, known);
    }
    if (!known.sorted) known.tags.sort();
    known.sorted = true;
    return known;
  }

  #noteNew(tag: string): void {
    const known = this.#keys.size > 0 ? this.#keys.get(tagKey(tag)) : undefined;
    known?.tags.push(tag);
    if (known) known.sorted = false;
  }

  #noteGone(tag: string): void {
    const key = tagKey(tag);
    const known = this.#keys.get(key);
    if (known && ++known.stale * 2 > known.tags.length) this.#keys.delete(key);
  }
}

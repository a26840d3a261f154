import type { Page, RefQuery, Stored } from '../../ports/object-store.ts';
import { LIMITS } from '../../schema/config.ts';
import { type NamespacePath, type ObjectId, ROOT, tenantOf } from '../../schema/ids.ts';
import type { Ref } from '../../schema/resource.ts';
import { type Identity, resourceOf } from '../../schema/resources.ts';
import { listCursor, treeCursor } from './cursor.ts';
import {
  hasRef,
  type ItemKey,
  objectKey,
  pointedAt,
  pointerKey,
  refKey,
  treeKey,
  treePrefix,
} from './keys.ts';
import { limitOf, refParts } from './query.ts';

/** Keys of an item of index `ref`, whether it is there or not. */
export type RefKey = ItemKey & ReturnType<typeof refKey>;

/** A range of index `ref`. */
export interface RefRange {
  pk: string;
  prefix: string;
  after: RefKey | undefined;
  limit: number;
}

/** An item of which the object is read. */
export type Held = ItemKey & { object?: string | undefined };

/** What a store reads for a page. */
export interface RefReads {
  /** Of everybody: the index is of one tenant, and below the root there are many. */
  tenants(): Promise<NamespacePath[]>;
  query(range: RefRange): Promise<Answered>;
  /** In any order, and without those that are not there. */
  getAll(keys: readonly ItemKey[]): Promise<Held[]>;
}

interface Answered {
  items: ItemKey[];
  more: boolean;
}

/** Objects that are looked up for one page, however many are asked for. */
const MOST = 1000;

type Place = readonly [NamespacePath, ObjectId];

/** Where an object is that the index tells of. */
interface Told {
  at: ItemKey;
  place: Place;
  order: string;
}

/** The ID is indexed on the object, and anything else on a pointer to it. */
const isPointer = ({ sk }: ItemKey): boolean => sk.startsWith('ref#');

const told =
  (resource: Identity) =>
  (item: ItemKey): Told => {
    const at = isPointer(item) ? pointedAt(item) : { pk: item.pk, sk: item.sk };
    const place = [at.pk as NamespacePath, at.sk.slice(at.sk.indexOf('#') + 1) as ObjectId] as const;
    return { at, place, order: treeKey({ resource, namespace: place[0], id: place[1] }).treeSk };
  };

/** The item of the index that an object has, or would have, for one of its values. */
function itemAt(resource: Identity, [namespace, id]: Place, { attribute, value }: Ref): RefKey {
  const key = { resource, namespace, id };
  const single = resourceOf(resource).refs?.includes(attribute);
  const at = attribute === 'ID' ? objectKey(key) : pointerKey(key, attribute, ...(single ? [] : [value]));
  return { ...at, ...refKey(key, attribute, value) };
}

/**
 * The first of what several ranges hold, each once and in order. Where a range was not read to its end, nothing is known
 * of what is behind its last item.
 */
function merged(
  resource: Identity,
  answers: readonly Answered[],
  limit: number,
): { first: Told[]; more: boolean } {
  const parts = answers.map(({ items, more }) => ({ told: items.map(told(resource)), more }));
  const known = parts.flatMap(part => (part.more ? [part.told.at(-1)?.order ?? ''] : [])).toSorted()[0];
  const all = [...new Map(parts.flatMap(part => part.told).map(one => [one.order, one])).values()]
    .filter(({ order }) => known === undefined || compare(order, known) <= 0)
    .sort((a, b) => compare(a.order, b.order));
  return { first: all.slice(0, limit), more: all.length > limit || known !== undefined };
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** Tenants that are asked at once. */
const PARALLEL = 16;

/** A page of what is below the root: of the root's own, and then of each tenant's, in the order of a tree. */
async function belowRoot<I extends Identity>(
  resource: I,
  query: RefQuery,
  reads: RefReads,
  read: (resource: I, item: Held) => Stored<I>,
): Promise<Page<Stored<I>>> {
  const limit = limitOf(query);
  const behind = query.after === undefined ? undefined : treeCursor.read(query.after, ROOT);
  const places = [ROOT, ...(await reads.tenants()).toSorted((a, b) => compare(treePrefix(a), treePrefix(b)))];
  const from = behind ? places.findIndex(place => treePrefix(place) >= treePrefix(tenantOf(behind[0]))) : 0;
  if (from < 0) return { items: [] };
  const pageIn = async (place: NamespacePath): Promise<Page<Stored<I>>> => {
    const isFirst = behind !== undefined && place === tenantOf(behind[0]);
    const after = isFirst ? cursorAt(behind, place !== ROOT) : undefined;
    const { after: _, ...rest } = query;
    const asked = { ...rest, recursive: place !== ROOT, ...(after === undefined ? {} : { after }) };
    return refPage(resource, place, asked, reads, read);
  };
  const items: Stored<I>[] = [];
  let bytes = 0;
  for (let at = from; at < places.length; at += PARALLEL) {
    const wave = places.slice(at, at + PARALLEL);
    const pages = await Promise.all(wave.map(pageIn));
    for (const [index, page] of pages.entries()) {
      const room = limit - items.length;
      items.push(...page.items.slice(0, room));
      bytes += JSON.stringify(page.items).length;
      const last = items.at(-1);
      if (last && (items.length === limit || bytes > LIMITS.page))
        return { items, next: treeCursor.write([last.namespace, last.ID]) };
      if (page.next === undefined) continue;
      const isRoot = wave[index] === ROOT;
      return {
        items,
        next: isRoot ? treeCursor.write([ROOT, listCursor.read(page.next, ROOT)[0]]) : page.next,
      };
    }
  }
  return { items };
}

/** A page out of index `ref`: where objects are, and then these objects, which have what was looked for still. */
export async function refPage<I extends Identity>(
  resource: I,
  namespace: NamespacePath,
  query: RefQuery,
  reads: RefReads,
  read: (resource: I, item: Held) => Stored<I>,
): Promise<Page<Stored<I>>> {
  const { refs, recursive, after } = query;
  if (recursive && namespace === ROOT) return belowRoot(resource, query, reads, read);
  const limit = Math.min(limitOf(query), MOST);
  const behind = after === undefined ? undefined : placeIn(namespace, recursive, after);
  const answers = await Promise.all(
    refParts(resource, namespace, query).map(({ ref, pk, prefix }) =>
      reads.query({ pk, prefix, limit: limit + 1, after: behind && itemAt(resource, behind, ref) }),
    ),
  );
  const { first, more } = merged(resource, answers, limit);
  const found = new Map((await reads.getAll(first.map(({ at }) => at))).map(item => [textOf(item), item]));
  const items: Stored<I>[] = [];
  let bytes = 0;
  for (const [index, { at }] of first.entries()) {
    const item = found.get(textOf(at));
    const object = item && read(resource, item);
    if (!object || !refs.some(ref => has(resource, object, ref))) continue;
    bytes += item.object?.length ?? 0;
    const previous = first[index - 1];
    if (bytes > LIMITS.page && previous && items.length > 0)
      return { items, next: cursorAt(previous.place, recursive) };
    items.push(object);
  }
  const last = first.at(-1);
  return { items, ...(more && last ? { next: cursorAt(last.place, recursive) } : {}) };
}

const textOf = ({ pk, sk }: ItemKey): string => `${pk}\n${sk}`;

const has = (resource: Identity, object: Stored, { attribute, value }: Ref): boolean =>
  attribute === 'ID' ? object.ID === value : hasRef(resource, object, attribute, value);

/** The cursors of `list` and `listTree`. */
const cursorAt = ([namespace, id]: Place, recursive: boolean): string =>
  recursive ? treeCursor.write([namespace, id]) : listCursor.write([id]);

const placeIn = (namespace: NamespacePath, recursive: boolean, after: string): Place =>
  recursive ? treeCursor.read(after, namespace) : [namespace, listCursor.read(after, namespace)[0]];

import type { ListQuery, ObjectStore, Page } from '../shared/ports/object-store.ts';
import { fail } from '../shared/schema/failure.ts';
import type { NamespacePath } from '../shared/schema/ids.ts';
import type { Ref } from '../shared/schema/resource.ts';
import { type Identity, type ObjectOf, resourceOf } from '../shared/schema/resources.ts';

const PAGE = 1000;

/** Objects that one answer holds in memory, to sort and to number them; more must be asked for by cursor. */
export const MOST_SORTED = 50_000;

/** One page of what is in a namespace, or in all below it too; with `refs`, of what an index finds there by one of them. */
export const pageOf = <I extends Identity>(
  store: ObjectStore,
  identity: I,
  namespace: NamespacePath,
  recursive: boolean,
  query: ListQuery,
  refs?: readonly Ref[],
): Promise<Page<ObjectOf<I>>> =>
  refs
    ? store.listBy(identity, namespace, { ...query, refs, recursive })
    : recursive
      ? store.listTree(identity, namespace, query)
      : store.list(identity, namespace, query);

/** All of it, in the order of the store, a page at a time. */
export async function* pagesOf<I extends Identity>(
  store: ObjectStore,
  identity: I,
  namespace: NamespacePath,
  recursive: boolean,
  refs?: readonly Ref[],
): AsyncGenerator<ObjectOf<I>[]> {
  let after: string | undefined;
  do {
    const query = { limit: PAGE, ...(after === undefined ? {} : { after }) };
    const page: Page<ObjectOf<I>> = await pageOf(store, identity, namespace, recursive, query, refs);
    yield page.items;
    after = page.next;
  } while (after !== undefined);
}

/**
 * All of it, for what sorts.
 *
 * @throws `bad_request` when there is more than one answer can hold, after reading no more than that
 */
export async function sortable<I extends Identity>(
  store: ObjectStore,
  identity: I,
  namespace: NamespacePath,
  recursive: boolean,
  refs?: readonly Ref[],
): Promise<ObjectOf<I>[]> {
  const items: ObjectOf<I>[] = [];
  for await (const page of pagesOf(store, identity, namespace, recursive, refs)) {
    for (const item of page) items.push(item);
    if (items.length > MOST_SORTED) throw tooMany(identity, namespace);
  }
  return items;
}

const tooMany = (identity: Identity, namespace: NamespacePath) =>
  fail(
    'bad_request',
    `${namespace} has more than ${MOST_SORTED} objects of kind ${identity}, too many to sort and number at once; go through them with limit and after, or ask for fewer: in a namespace below, without recursive, or by q with ${lookedUp(identity)}`,
  );

/** Attributes by which an index finds objects, below a namespace too. */
const lookedUp = (identity: Identity): string => ['ID', ...(resourceOf(identity).refs ?? [])].join(' or ');

import type { ObjectStore, Page } from '../shared/ports/object-store.ts';
import { fail } from '../shared/schema/failure.ts';
import type { NamespacePath } from '../shared/schema/ids.ts';
import type { Identity, ObjectOf } from '../shared/schema/resources.ts';

const PAGE = 1000;

/** Objects that one answer holds in memory, to sort and to number them; more must be asked for by cursor. */
export const MOST_SORTED = 50_000;

/** What is in a namespace, or in all below it too, in the order of the store, a page at a time. */
export async function* pagesOf<I extends Identity>(
  store: ObjectStore,
  identity: I,
  namespace: NamespacePath,
  recursive: boolean,
): AsyncGenerator<ObjectOf<I>[]> {
  let after: string | undefined;
  do {
    const query = { limit: PAGE, ...(after === undefined ? {} : { after }) };
    const page: Page<ObjectOf<I>> = recursive
      ? await store.listTree(identity, namespace, query)
      : await store.list(identity, namespace, query);
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
): Promise<ObjectOf<I>[]> {
  const items: ObjectOf<I>[] = [];
  for await (const page of pagesOf(store, identity, namespace, recursive)) {
    for (const item of page) items.push(item);
    if (items.length > MOST_SORTED) throw tooMany(identity, namespace);
  }
  return items;
}

const tooMany = (identity: Identity, namespace: NamespacePath) =>
  fail(
    'bad_request',
    `${namespace} has more than ${MOST_SORTED} objects of kind ${identity}, too many to sort and number at once; go through them with limit and after, or ask for fewer: in a namespace below, without recursive, or by q with an ID or a name`,
  );

import type { Lookup } from '../shared/core/filter/key-condition.ts';
import type { ObjectStore } from '../shared/ports/object-store.ts';
import { isWithin, type NamespacePath, ObjectId, ROOT, tenantOf } from '../shared/schema/ids.ts';
import type { Ref } from '../shared/schema/resource.ts';
import { type Identity, type ObjectOf, resourceOf } from '../shared/schema/resources.ts';
import { sortable } from './walk.ts';

/** Where a list looks: in a namespace, below it too when `recursive`, and in each of the ancestors. */
export interface Place {
  namespace: NamespacePath;
  recursive: boolean;
  ancestors: readonly NamespacePath[];
}

/** Attributes by whose value an index finds objects there. */
export function indexed(identity: Identity, { recursive }: Place): ReadonlySet<string> {
  const { unique, refs = [] } = resourceOf(identity);
  // A name is unique in its namespace and says nothing about those below.
  return new Set(['ID', ...refs, ...(recursive || unique === undefined ? [] : [unique])]);
}

/** Found by key, one at most for each: IDs, and unique names. Everything else that is indexed may be many objects'. */
const isOne = (identity: Identity, { attribute }: Lookup): boolean =>
  attribute === 'ID' || attribute === resourceOf(identity).unique;

/** Whether they find no more objects than there are of them. */
export const areFew = (identity: Identity, lookups: readonly Lookup[]): boolean =>
  lookups.every(lookup => isOne(identity, lookup));

/** What `listBy` can be asked instead, which has pages; undefined where a name is among them. */
export const asRefs = (identity: Identity, lookups: readonly Lookup[]): readonly Ref[] | undefined =>
  lookups.some(({ attribute }) => attribute === resourceOf(identity).unique) ? undefined : lookups;

/** The objects that have one of the values, each once: one parallel batch of reads, and pages where there are many. */
export async function lookUp<I extends Identity>(
  identity: I,
  lookups: readonly Lookup[],
  { namespace, recursive, ancestors }: Place,
  store: ObjectStore,
): Promise<ObjectOf<I>[]> {
  const { unique } = resourceOf(identity);
  // Below the root each tenant is asked for what it has, an ID as well.
  const isSingle = (lookup: Lookup): boolean => isOne(identity, lookup) && !(recursive && namespace === ROOT);
  const single = lookups.filter(isSingle);
  const refs = lookups.filter(lookup => !isSingle(lookup));
  const oneIn = async (
    path: NamespacePath,
    { attribute, value }: Lookup,
  ): Promise<(ObjectOf<I> | undefined)[]> => {
    if (attribute === unique) return [await store.getByName(identity, path, value)];
    const id = ObjectId.safeParse(value);
    return id.success ? [await store.get({ resource: identity, namespace: path, id: id.data })] : [];
  };
  const oneBelow = async ({ attribute, value }: Lookup): Promise<ObjectOf<I>[]> =>
    (await store.findBy(identity, tenantOf(namespace), attribute, value)).filter(object =>
      isWithin(object.namespace, namespace),
    );
  const manyIn = (path: NamespacePath, below: boolean) =>
    refs.length === 0 ? [] : [sortable(store, identity, path, below, refs)];
  const found = await Promise.all([
    ...manyIn(namespace, recursive),
    ...single.map(lookup => (recursive ? oneBelow(lookup) : oneIn(namespace, lookup))),
    ...ancestors.flatMap(path => [...manyIn(path, false), ...single.map(lookup => oneIn(path, lookup))]),
  ]);
  const objects = found.flat().filter(object => object !== undefined);
  return [...new Map(objects.map(object => [object.ID, object])).values()];
}

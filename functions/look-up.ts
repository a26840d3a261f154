import type { Lookup } from '../shared/core/filter/key-condition.ts';
import type { ObjectStore } from '../shared/ports/object-store.ts';
import { isWithin, type NamespacePath, ObjectId, ROOT, tenantOf } from '../shared/schema/ids.ts';
import { type Identity, type ObjectOf, resourceOf } from '../shared/schema/resources.ts';

/** Where a list looks: in a namespace, below it too when `recursive`, and in each of the ancestors. */
export interface Place {
  namespace: NamespacePath;
  recursive: boolean;
  ancestors: readonly NamespacePath[];
}

/** Attributes by whose value an index finds objects there. */
export function indexed(identity: Identity, { namespace, recursive }: Place): ReadonlySet<string> {
  // Index `ref` is of one tenant, and below the root there are many.
  if (recursive && namespace === ROOT) return new Set();
  const { unique, refs = [] } = resourceOf(identity);
  // A name is unique in its namespace and says nothing about those below.
  return new Set(['ID', ...refs, ...(recursive || unique === undefined ? [] : [unique])]);
}

/** The objects that have one of the values, each once: one parallel batch of reads. */
export async function lookUp<I extends Identity>(
  identity: I,
  lookups: readonly Lookup[],
  { namespace, recursive, ancestors }: Place,
  store: ObjectStore,
): Promise<ObjectOf<I>[]> {
  const { unique } = resourceOf(identity);
  const inTenant = (path: NamespacePath, { attribute, value }: Lookup): Promise<ObjectOf<I>[]> =>
    store.findBy(identity, tenantOf(path), attribute, value);
  const inOne = async (path: NamespacePath, lookup: Lookup): Promise<(ObjectOf<I> | undefined)[]> => {
    if (lookup.attribute === 'ID') {
      const id = ObjectId.safeParse(lookup.value);
      return id.success ? [await store.get({ resource: identity, namespace: path, id: id.data })] : [];
    }
    if (lookup.attribute === unique) return [await store.getByName(identity, path, lookup.value)];
    return (await inTenant(path, lookup)).filter(object => object.namespace === path);
  };
  const inTree = async (lookup: Lookup): Promise<ObjectOf<I>[]> =>
    (await inTenant(namespace, lookup)).filter(object => isWithin(object.namespace, namespace));
  const found = await Promise.all(
    lookups.flatMap(lookup => [
      recursive ? inTree(lookup) : inOne(namespace, lookup),
      ...ancestors.map(path => inOne(path, lookup)),
    ]),
  );
  const objects = found.flat().filter(object => object !== undefined);
  return [...new Map(objects.map(object => [object.ID, object])).values()];
}

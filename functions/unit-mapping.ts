import { isBelow, type Mapped, type Mapping, mapProcessingUnit, mappedPath } from '../shared/core/mapping.ts';
import { isWithin, type NamespacePath, parentPath } from '../shared/schema/ids.ts';
import type { Tag } from '../shared/schema/tag.ts';
import type { Deps } from './deps.ts';
import { everyIn } from './pipeline/authorize.ts';

/** Mappings by namespace, read when they are first asked for. */
export type Mappings = (namespace: NamespacePath) => Promise<readonly Mapping[]>;

/** Those of a namespace that lead somewhere: to a namespace below that is there. Consistent reads. */
async function readMappings(namespace: NamespacePath, { store }: Pick<Deps, 'store'>): Promise<Mapping[]> {
  const policies = await everyIn(store, 'namespacemappingpolicy', namespace);
  const found = await Promise.all(
    policies
      .filter(({ disabled }) => !disabled)
      .map(async (policy): Promise<Mapping[]> => {
        const path = mappedPath(policy);
        if (!path || !isBelow(path, namespace)) return [];
        const there = await store.getByName('namespace', parentPath(path), path);
        return there ? [{ ...policy, mappedNamespace: path }] : [];
      }),
  );
  return found.flat();
}

export function mappingsFrom(deps: Pick<Deps, 'store'>): Mappings {
  const read = new Map<NamespacePath, Promise<readonly Mapping[]>>();
  return namespace => {
    const known = read.get(namespace) ?? readMappings(namespace, deps);
    read.set(namespace, known);
    return known;
  };
}

/** Where a processing unit with these tags belongs that starts in a namespace: one round of reads for each move. */
export async function placeOf(
  start: NamespacePath,
  tags: readonly Tag[],
  mappings: Mappings,
): Promise<Mapped> {
  const known = new Map([[start, await mappings(start)]]);
  for (;;) {
    const mapped = mapProcessingUnit([...known.values()].flat(), start, tags);
    if (known.has(mapped.namespace) || !isWithin(mapped.namespace, start)) return mapped;
    known.set(mapped.namespace, await mappings(mapped.namespace));
  }
}

import { isWithin, NamespacePath, type ObjectId, tenantOf } from '../schema/ids.ts';
import type { Tag } from '../schema/tag.ts';
import { expressionMatches } from './tags.ts';
import type { PolicyView } from './view.ts';

/** Hops after which a processing unit stays where it is. */
export const MAX_HOPS = 16;

/** A mapping as bundles carry it: `mappedNamespace` is a full path. */
export interface Mapping {
  ID: ObjectId;
  name: string;
  namespace: NamespacePath;
  mappedNamespace: NamespacePath;
  subject: readonly (readonly Tag[])[];
}

/** `/a/b` is a full path; `b` and `b/c` are below the policy's own namespace. Undefined when it makes no path. */
export function mappedPath(policy: {
  namespace: string;
  mappedNamespace: string;
}): NamespacePath | undefined {
  const { namespace, mappedNamespace } = policy;
  const base = namespace === '/' ? '' : namespace;
  const path = NamespacePath.safeParse(
    mappedNamespace.startsWith('/') ? mappedNamespace : `${base}/${mappedNamespace}`,
  );
  return path.success ? path.data : undefined;
}

/** Processing units are only ever moved down. */
export const isBelow = (path: string, ancestor: string): boolean =>
  path !== ancestor && isWithin(path, ancestor);

/** Where a processing unit came to be, and by which mappings, in order. */
export interface Mapped {
  namespace: NamespacePath;
  hops: Mapping[];
  /** Set when the last mapping was not followed: it would have led back, or was one too many. */
  cut?: { by: Mapping; because: 'not below' | 'too many hops' };
}

const namespaceTag = (path: NamespacePath): Tag => `$namespace=${path}` as Tag;

/** Its tags once it lives elsewhere: `$namespace` follows. */
const movedTags = (tags: readonly Tag[], path: NamespacePath): Tag[] => [
  ...tags.filter(tag => !tag.startsWith('$namespace=')),
  namespaceTag(path),
];

/**
 * A processing unit starts in its enforcer's namespace. If a mapping there selects it, it moves to that mapping's
 * namespace, and so on until none does. Of several the one with the lowest ID counts. `mappings`: those of every
 * namespace on the way, in any order.
 */
export function mapProcessingUnit(
  mappings: readonly Mapping[],
  start: NamespacePath,
  tags: readonly Tag[],
): Mapped {
  const hops: Mapping[] = [];
  let namespace = start;
  for (;;) {
    const here = movedTags(tags, namespace);
    const by = mappings
      .filter(one => one.namespace === namespace && expressionMatches(one.subject, here))
      .sort((a, b) => (a.ID < b.ID ? -1 : 1))[0];
    if (!by) return { namespace, hops };
    if (!isBelow(by.mappedNamespace, namespace))
      return { namespace, hops, cut: { by, because: 'not below' } };
    if (hops.length === MAX_HOPS) return { namespace, hops, cut: { by, because: 'too many hops' } };
    hops.push(by);
    namespace = by.mappedNamespace;
  }
}

/** The mappings of a namespace that lead somewhere: to an existing namespace below. Sorted by ID. */
export const mappingsIn = (view: PolicyView, path: NamespacePath): Mapping[] =>
  view.namespaceMappings
    .livingIn(path)
    .flatMap(({ object }) => {
      const mappedNamespace = mappedPath(object);
      if (!mappedNamespace || !isBelow(mappedNamespace, path) || !view.namespaces.at(mappedNamespace))
        return [];
      return [{ ...object, mappedNamespace }];
    })
    .sort((a, b) => (a.ID < b.ID ? -1 : 1));

/**
 * The namespace itself and those below it that the processing units of its enforcers can be mapped to.
 * Sorted by path, so that itself comes first.
 */
export function reachable(view: PolicyView, path: NamespacePath): NamespacePath[] {
  if (view.namespaceMappings.livingIn(path).length === 0) return [path];
  const found = new Set([path]);
  let edge = [path];
  for (let hop = 0; hop < MAX_HOPS && edge.length > 0; hop++) {
    edge = edge.flatMap(from => mappingsIn(view, from).map(mapping => mapping.mappedNamespace));
    edge = edge.filter(to => !found.has(to) && tenantOf(to) === tenantOf(path));
    for (const to of edge) found.add(to);
  }
  return [...found].sort();
}

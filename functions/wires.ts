import { wireTags } from '../shared/core/tags.ts';
import { NamespaceTree } from '../shared/core/tree.ts';
import type { NamespacePath } from '../shared/schema/ids.ts';
import type { Tag } from '../shared/schema/tag.ts';
import type { Call } from './call.ts';
import type { Deps } from './deps.ts';
import { everything } from './list.ts';

/** Which tags count of what lives in a namespace: that of the request or, with `recursive`, one below. */
export type Wires = (object: { namespace: NamespacePath; normalizedTags: readonly Tag[] }) => readonly Tag[];

/** Reads the namespaces below where they matter: they may enforce tag prefixes of their own. */
export async function wiresIn(call: Call, recursive: boolean, deps: Deps): Promise<Wires> {
  const tree = new NamespaceTree();
  for (const namespace of call.lineage) tree.put(namespace);
  const below = recursive
    ? await everything('namespace', { ...call, query: { recursive: ['true'] } }, deps)
    : [];
  for (const namespace of below) tree.put(namespace);
  return ({ namespace, normalizedTags }) => {
    const { tagPrefixEnforcement, tagPrefixes } = tree.inherited(namespace);
    return wireTags(normalizedTags, { tagPrefixEnforcement: tagPrefixEnforcement.value, tagPrefixes });
  };
}

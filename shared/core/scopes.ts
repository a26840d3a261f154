import { isWithin, NamespacePath, parentPath, ROOT, tenantOf } from '../schema/ids.ts';
import type { Tag } from '../schema/tag.ts';
import { isWildcard, wildcardPrefix } from './tags.ts';

/** A namespace, and with `recursive` everything below it. */
export interface Scope {
  namespace: NamespacePath;
  recursive: boolean;
}

const IDENTITY = '$identity=';
const NAMESPACE = '$namespace=';

const matchesText = (wanted: string, tag: string): boolean =>
  isWildcard(wanted) ? tag.startsWith(wildcardPrefix(wanted)) : tag === wanted;

/** False for a clause that asks for another identity, such as `$identity=externalnetwork`. */
export const canNameUnits = (clause: readonly Tag[]): boolean =>
  clause.every(tag => !tag.startsWith(IDENTITY) || matchesText(tag, `${IDENTITY}processingunit`));

/** What one `$namespace` tag leaves. `$namespace=/a/b/*` is all below `/a/b`; `/a/b*` may be any child of `/a`. */
function scopeOfTag(tag: Tag): Scope | 'nowhere' {
  const value = tag.slice(NAMESPACE.length);
  const text = isWildcard(value) ? wildcardPrefix(value) : value;
  if (!isWildcard(value)) {
    const exact = NamespacePath.safeParse(text);
    return exact.success ? { namespace: exact.data, recursive: false } : 'nowhere';
  }
  if (text === '' || text === '/') return { namespace: ROOT, recursive: true };
  if (text.endsWith('/')) {
    const above = NamespacePath.safeParse(text.slice(0, -1));
    return above.success ? { namespace: above.data, recursive: true } : 'nowhere';
  }
  const partial = NamespacePath.safeParse(text);
  return partial.success ? { namespace: parentPath(partial.data), recursive: true } : 'nowhere';
}

/** Is every namespace of `inner` in `outer`? */
const covers = (outer: Scope, inner: Scope): boolean =>
  outer.recursive
    ? isWithin(inner.namespace, outer.namespace)
    : !inner.recursive && inner.namespace === outer.namespace;

/** Where the processing units that a clause can name live, in one tenant. Undefined when it can name none. */
function scopeOf(clause: readonly Tag[], tenant: NamespacePath): Scope | undefined {
  if (!canNameUnits(clause)) return undefined;
  let scope: Scope = { namespace: tenant, recursive: tenant !== ROOT };
  for (const tag of clause) {
    if (!tag.startsWith(NAMESPACE)) continue;
    const narrower = scopeOfTag(tag);
    if (narrower === 'nowhere') return undefined;
    if (covers(scope, narrower)) scope = narrower;
    else if (!covers(narrower, scope)) return undefined;
  }
  return scope;
}

const byPath = (a: Scope, b: Scope): number =>
  a.namespace < b.namespace ? -1 : a.namespace > b.namespace ? 1 : Number(b.recursive) - Number(a.recursive);

/** The least set of scopes that holds every processing unit that one of the clauses can name. Sorted by path. */
export function scopesOf(clauses: Iterable<readonly Tag[]>, tenant: NamespacePath): Scope[] {
  const all = new Map<string, Scope>();
  for (const clause of clauses) {
    const scope = scopeOf(clause, tenant);
    if (scope) all.set(`${scope.namespace} ${scope.recursive}`, scope);
  }
  const kept: Scope[] = [];
  for (const scope of [...all.values()].sort(byPath))
    if (!kept.some(wider => covers(wider, scope))) kept.push(scope);
  return kept;
}

/** Can a clause of this tenant name something that lives in the namespace or below it? */
export const canReachInto = (
  clause: readonly Tag[],
  tenant: NamespacePath,
  subtree: NamespacePath,
): boolean => {
  const scope = scopeOf(clause, tenant);
  if (!scope || tenantOf(subtree) !== tenant) return false;
  return isWithin(scope.namespace, subtree) || (scope.recursive && isWithin(subtree, scope.namespace));
};

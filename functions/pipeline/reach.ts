import type { Allow } from '../../shared/api/routes.ts';
import type { Caller, Standing } from '../../shared/core/authorize.ts';
import { grants, type Permissions } from '../../shared/core/roles.ts';
import { Failure } from '../../shared/schema/failure.ts';
import { isWithin, type NamespacePath, ROOT, tenantOf } from '../../shared/schema/ids.ts';
import type { TokenClaims } from '../../shared/schema/token.ts';
import type { Deps } from '../deps.ts';
import { pagesOf } from '../walk.ts';

/** The tenant that the caller is at home in; users of the console say theirs, callers from a cloud have none. */
const homeOf = (claims: TokenClaims): string | undefined =>
  'namespace' in claims
    ? tenantOf(claims.namespace)
    : claims.realm === 'pcidentitytoken'
      ? `/${claims.data.prismaid ?? ''}`
      : undefined;

/** Where something may be held that counts in the namespace or below: found in an index, which may lag by moments. */
async function candidates(
  caller: Caller,
  standing: Standing | undefined,
  namespace: NamespacePath,
  { store }: Pick<Deps, 'store'>,
): Promise<NamespacePath[]> {
  const found = new Set<NamespacePath>(standing ? [standing.namespace] : []);
  for await (const page of pagesOf(store, 'apiauthorizationpolicy', namespace, true)) {
    for (const { subject, authorizedNamespace } of page) {
      const isMeant = subject.some(clause => clause.every(claim => caller.claims.includes(claim)));
      if (isMeant) found.add(authorizedNamespace);
    }
  }
  return [...found].filter(path => path !== namespace && isWithin(path, namespace)).sort();
}

/** What somebody holds in a namespace, by consistent reads. */
export type HeldIn = (namespace: NamespacePath) => Promise<readonly Permissions[]>;

/**
 * The namespaces below one from which downwards the caller may do something, outermost ones only. Only within its own tenant,
 * so that nobody has the authorizations of another one read.
 */
export async function reachBelow(
  { identity, verb }: Exclude<Allow, 'everybody'>,
  claims: TokenClaims,
  caller: Caller,
  standing: Standing | undefined,
  namespace: NamespacePath,
  heldIn: HeldIn,
  deps: Pick<Deps, 'store'>,
): Promise<NamespacePath[]> {
  if (namespace === ROOT || homeOf(claims) !== tenantOf(namespace)) return [];
  const reached: NamespacePath[] = [];
  // Sorted by path, so that whoever holds something above comes first.
  for (const path of await candidates(caller, standing, namespace, deps)) {
    if (reached.some(above => isWithin(path, above))) continue;
    try {
      if ((await heldIn(path)).some(held => grants(held, identity, verb))) reached.push(path);
    } catch (error) {
      // An authorization may name a namespace that is not there, or not any more.
      if (!(error instanceof Failure && error.kind === 'not_found')) throw error;
    }
  }
  return reached;
}

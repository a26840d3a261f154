import type { Allow } from '../../shared/api/routes.ts';
import type { Caller, Standing } from '../../shared/core/authorize.ts';
import { grants, type Permissions } from '../../shared/core/roles.ts';
import { Failure } from '../../shared/schema/failure.ts';
import { isWithin, lineage, type NamespacePath, ROOT, tenantOf } from '../../shared/schema/ids.ts';
import { ANYBODY, indexedClaim } from '../../shared/schema/telling-claims.ts';
import type { TokenClaims } from '../../shared/schema/token.ts';
import type { Deps } from '../deps.ts';

/** Namespaces that are asked at once. */
const PARALLEL = 16;

/** The tenant that the caller is at home in; users of the console say theirs, callers from a cloud have none. */
const homeOf = (claims: TokenClaims): string | undefined =>
  'namespace' in claims
    ? tenantOf(claims.namespace)
    : claims.realm === 'pcidentitytoken'
      ? `/${claims.data.prismaid ?? ''}`
      : undefined;

/** Where something may be held that counts in the namespace or below: found in an index, which may lag by moments. */
async function candidates(
  { claims }: Caller,
  standing: Standing | undefined,
  namespace: NamespacePath,
  { store }: Pick<Deps, 'store'>,
): Promise<NamespacePath[]> {
  const names = new Set([...claims.map(indexedClaim), ANYBODY]);
  const authorizations = await Promise.all(
    [...names].map(name => store.findBy('apiauthorizationpolicy', tenantOf(namespace), 'claims', name)),
  );
  const found = new Set<NamespacePath>(standing ? [standing.namespace] : []);
  for (const { subject, authorizedNamespace } of authorizations.flat()) {
    const isMeant = subject.some(clause => clause.every(claim => claims.includes(claim)));
    if (isMeant) found.add(authorizedNamespace);
  }
  return [...found].filter(path => path !== namespace && isWithin(path, namespace)).sort();
}

/** What somebody holds in a namespace, by consistent reads. */
export type HeldIn = (namespace: NamespacePath) => Promise<readonly Permissions[]>;

/**
 * The namespaces below one from which downwards the caller may do something, outermost ones only. Only within its own tenant,
 * so that nobody has the authorizations of another one read. What is read grows with the namespaces that are answered.
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
  const mayIn = async (path: NamespacePath): Promise<boolean> => {
    try {
      return (await heldIn(path)).some(held => grants(held, identity, verb));
    } catch (error) {
      // An authorization may name a namespace that is not there, or not any more.
      if (error instanceof Failure && error.kind === 'not_found') return false;
      throw error;
    }
  };
  const reached = new Set<NamespacePath>();
  const isBelow = (path: NamespacePath): boolean => lineage(path).some(above => reached.has(above));
  // Sorted by path, so that whoever holds something above comes first.
  const paths = await candidates(caller, standing, namespace, deps);
  for (let at = 0; at < paths.length; at += PARALLEL) {
    const batch = paths.slice(at, at + PARALLEL).filter(path => !isBelow(path));
    const may = await Promise.all(batch.map(mayIn));
    for (const [index, path] of batch.entries()) if (may[index] && !isBelow(path)) reached.add(path);
  }
  return [...reached];
}

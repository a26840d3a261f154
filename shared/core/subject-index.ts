import type { ApiAuthorizationPolicy } from '../schema/apiauthorizationpolicy.ts';
import { ANYBODY, indexedClaim, tellingClaims } from '../schema/telling-claims.ts';

/** Authorizations by the claims that tell whom they may mean. */
type Index = ReadonlyMap<string, readonly ApiAuthorizationPolicy[]>;

/** Of lists that are given again as long as nothing in them changes. */
const indexes = new WeakMap<readonly ApiAuthorizationPolicy[], Index>();

function indexOf(policies: readonly ApiAuthorizationPolicy[]): Index {
  const known = indexes.get(policies);
  if (known) return known;
  const index = new Map<string, ApiAuthorizationPolicy[]>();
  for (const policy of policies) {
    for (const claim of tellingClaims(policy.subject)) {
      const some = index.get(claim) ?? [];
      some.push(policy);
      index.set(claim, some);
    }
  }
  indexes.set(policies, index);
  return index;
}

/** Fewer are looked at one by one. */
const FEW = 20;

/** Those of a list that may mean somebody with these claims, and never fewer than do; each once. */
export function mayMean(
  policies: readonly ApiAuthorizationPolicy[],
  claims: readonly string[],
): readonly ApiAuthorizationPolicy[] {
  if (policies.length <= FEW) return policies;
  const index = indexOf(policies);
  const names = new Set([...claims.map(indexedClaim), ANYBODY]);
  return [...new Set([...names].flatMap(name => index.get(name) ?? []))];
}

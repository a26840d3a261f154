import { fail } from '../../shared/schema/failure.ts';
import { ROOT, tenantOf } from '../../shared/schema/ids.ts';
import type { TokenClaims } from '../../shared/schema/token.ts';
import type { Deps } from '../deps.ts';

/** Seconds beyond the end of a token for which its counter is kept: clocks differ. */
const SPARE = 300;

/**
 * Counts one use of a token with a quota, and says which it is. Tokens that were traded for one another share the
 * counter, so that all of them together are used no more often than the first may be.
 *
 * @throws `quota_exhausted`
 */
export async function countUse(
  claims: TokenClaims,
  { store, clock }: Pick<Deps, 'store' | 'clock'>,
): Promise<number | undefined> {
  const { quota, quotaid = '', exp } = claims;
  if (quota === undefined) return undefined;
  // Callers from a cloud are at home in no tenant.
  const tenant = 'namespace' in claims ? tenantOf(claims.namespace) : ROOT;
  const left = Math.ceil(exp - clock.now().getTime() / 1000) + SPARE;
  const use = await store.take(tenant, `quota#${quotaid}`, quota, left);
  if (use === undefined) {
    throw fail(
      'quota_exhausted',
      `the token was made for ${quota} uses, and they are used up; get a new one`,
    );
  }
  return use;
}

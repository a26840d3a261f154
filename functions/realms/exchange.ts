import { Principal } from '../../shared/schema/token.ts';
import type { Deps } from '../deps.ts';
import { verifyToken } from '../pipeline/authenticate.ts';
import { countUse } from '../pipeline/quota.ts';
import type { Proven } from './proven.ts';

/** A token of this API for another: the same caller, no longer, no more. It is one use of the original's quota. */
export async function proveToken(token: string, deps: Deps): Promise<Proven> {
  const original = await verifyToken(token, deps);
  const uses = await countUse(original, deps);
  return {
    principal: Principal.parse(original),
    data: original.data,
    longest: Math.floor(original.exp) - Math.floor(deps.clock.now().getTime() / 1000),
    original,
    ...(uses === undefined ? {} : { uses }),
  };
}

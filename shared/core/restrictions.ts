import { contains, parseCidr } from '../schema/cidr.ts';
import { isWithin } from '../schema/ids.ts';
import type { Restrictions } from '../schema/token.ts';
import { type Caller, fromSubnets } from './authorize.ts';
import type { Grant } from './grants.ts';
import { intersection, permissionsOf, rawOf, union } from './roles.ts';

/** The narrower of two networks; none when they have no address in common. Texts that are no network have none. */
function common(one: string, other: string): string[] {
  const [a, b] = [parseCidr(one), parseCidr(other)];
  if (!a || !b) return [];
  return contains(a, b) ? [other] : contains(b, a) ? [one] : [];
}

const isOut = (network: string): boolean => network.startsWith('!');

/** Networks that are in both lists; what either leaves out is left out. */
function commonNetworks(held: readonly string[], asked: readonly string[]): string[] {
  const inside = held
    .filter(network => !isOut(network))
    .flatMap(one => asked.filter(network => !isOut(network)).flatMap(other => common(one, other)));
  return inside.length === 0 ? [] : [...new Set([...inside, ...held.filter(isOut), ...asked.filter(isOut)])];
}

const commonPermissions = (held: readonly string[], asked: readonly string[]): string[] =>
  rawOf(intersection(union(held.map(permissionsOf)), union(asked.map(permissionsOf))));

/** Both or the one that there is. */
const both = <T>(held: T | undefined, asked: T | undefined, meet: (held: T, asked: T) => T): T | undefined =>
  held === undefined ? asked : asked === undefined ? held : meet(held, asked);

/**
 * The restrictions of a token that is traded for another: whatever either of them keeps out stays out. Asking for more
 * than the original has is no error and gains nothing: where they have nothing in common, nothing is left.
 */
export function shrink(held: Restrictions, asked: Restrictions): Restrictions {
  const apart =
    held.namespace !== undefined &&
    asked.namespace !== undefined &&
    !isWithin(asked.namespace, held.namespace) &&
    !isWithin(held.namespace, asked.namespace);
  const namespace = both(held.namespace, asked.namespace, (one, other) =>
    isWithin(other, one) ? other : one,
  );
  const perms = apart ? [] : both(held.perms, asked.perms, commonPermissions);
  const networks = both(held.networks, asked.networks, commonNetworks);
  return {
    ...(namespace === undefined ? {} : { namespace }),
    ...(perms === undefined ? {} : { perms }),
    ...(networks === undefined ? {} : { networks }),
  };
}

/** What is left of a caller's rights in a namespace under the restrictions of its token. */
export function restricted(
  grants: readonly Grant[],
  { namespace: within, perms, networks }: Restrictions,
  namespace: string,
  { address }: Pick<Caller, 'address'>,
): readonly Grant[] {
  if (within !== undefined && !isWithin(namespace, within)) return [];
  if (networks !== undefined && (networks.length === 0 || !fromSubnets(address, networks))) return [];
  const allowed = perms && union(perms.map(permissionsOf));
  return grants.map(({ permissions, conditions }) => ({
    permissions: allowed ? intersection(permissions, allowed) : permissions,
    conditions: networks ? { ...conditions, subnets: [...conditions.subnets, networks] } : conditions,
  }));
}

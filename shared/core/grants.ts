import type { ApiAuthorizationPolicy } from '../schema/apiauthorizationpolicy.ts';
import { contains, parseCidr } from '../schema/cidr.ts';
import type { Permissions } from './roles.ts';

/** When and from where a right counts. */
export interface Conditions
  extends Pick<ApiAuthorizationPolicy, 'activeSchedule' | 'activeDuration' | 'authorizedSubnets'> {
  /** RFC 3339; absent: for ever. */
  expirationTime?: string | undefined;
}

/** Always, from everywhere. */
export const ALWAYS: Conditions = { activeSchedule: '', activeDuration: '', authorizedSubnets: [] };

/** Rights and the conditions under which they are held; each of `subnets` must let the caller's address in. */
export interface Grant {
  permissions: Permissions;
  conditions: Omit<Conditions, 'authorizedSubnets'> & { subnets: readonly (readonly string[])[] };
}

const isOut = (network: string): boolean => network.startsWith('!');

const holds = (outer: string, inner: string): boolean => {
  const [a, b] = [parseCidr(outer), parseCidr(inner)];
  return a !== undefined && b !== undefined && contains(a, b);
};

/** Whether every address that `asked` lets in is let in by `held` too. Empty lets in everything. */
export function subnetsWithin(asked: readonly string[], held: readonly string[]): boolean {
  if (held.length === 0) return true;
  const inside = asked.filter(network => !isOut(network));
  if (asked.length > 0 && inside.length === 0) return true;
  const outside = asked.filter(isOut).map(network => network.slice(1));
  const isCovered = (network: string): boolean => held.some(own => !isOut(own) && holds(own, network));
  const isClear = (shut: string): boolean =>
    outside.some(own => holds(own, shut)) ||
    inside.every(network => !holds(network, shut) && !holds(shut, network));
  return (
    inside.length > 0 &&
    inside.every(isCovered) &&
    held.filter(isOut).every(network => isClear(network.slice(1)))
  );
}

/** Whether what counts under `asked` would count under the grant's conditions too, at any time and from anywhere. */
function isWithin(asked: Conditions, { conditions: held }: Grant): boolean {
  const ends =
    held.expirationTime === undefined ||
    (asked.expirationTime !== undefined &&
      Date.parse(asked.expirationTime) <= Date.parse(held.expirationTime));
  const times =
    held.activeSchedule === '' ||
    (held.activeSchedule === asked.activeSchedule && held.activeDuration === asked.activeDuration);
  return ends && times && held.subnets.every(subnets => subnetsWithin(asked.authorizedSubnets, subnets));
}

/**
 * What of one's rights one may hand on under these conditions: a right that is held at times, or from some networks,
 * cannot be given away for all times and networks.
 */
export const grantable = (held: readonly Grant[], asked: Conditions): Permissions[] =>
  held.filter(grant => isWithin(asked, grant)).map(({ permissions }) => permissions);

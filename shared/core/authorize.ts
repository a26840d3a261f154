import type { ApiAuthorizationPolicy } from '../schema/apiauthorizationpolicy.ts';
import type { AppCredential } from '../schema/appcredential.ts';
import { contains, parseAddress, parseCidr } from '../schema/cidr.ts';
import type { Enforcer } from '../schema/enforcer.ts';
import { isWithin, type NamespacePath } from '../schema/ids.ts';
import { ALWAYS, type Grant } from './grants.ts';
import { permissionsOf } from './roles.ts';
import { isActive } from './schedule.ts';

/** Who calls, as the token said and the store confirmed. */
export interface Caller {
  /** `@auth:` tags. */
  claims: readonly string[];
  /** Address that the platform saw; empty when it saw none. */
  address: string;
}

const inSubnet = (address: string, subnet: string): boolean => {
  const ip = parseAddress(address);
  const network = parseCidr(subnet);
  return ip !== undefined && network !== undefined && contains(network, ip);
};

/** Empty: from anywhere. A `!` subnet shuts out; beside `!` subnets alone nothing is let in. */
export const fromSubnets = (address: string, subnets: readonly string[]): boolean =>
  subnets.length === 0 ||
  (subnets.some(subnet => !subnet.startsWith('!') && inSubnet(address, subnet)) &&
    !subnets.some(subnet => subnet.startsWith('!') && inSubnet(address, subnet.slice(1))));

const applies = (
  policy: ApiAuthorizationPolicy,
  caller: Caller,
  namespace: NamespacePath,
  now: Date,
): boolean =>
  !policy.disabled &&
  isWithin(namespace, policy.authorizedNamespace) &&
  isWithin(policy.authorizedNamespace, policy.namespace) &&
  (policy.expirationTime === undefined || new Date(policy.expirationTime) > now) &&
  isActive(policy, now) &&
  policy.subject.some(clause => clause.length > 0 && clause.every(claim => caller.claims.includes(claim))) &&
  fromSubnets(caller.address, policy.authorizedSubnets);

/** What a caller holds by itself, in a namespace and below, and from where. */
export type Standing = Pick<AppCredential, 'namespace' | 'roles'> &
  Partial<Pick<AppCredential, 'authorizedSubnets'>> &
  Pick<Enforcer, 'watches'>;

/**
 * Everything that the caller holds in a namespace, with its conditions: the roles of its own credential, where it has one,
 * in the credential's namespace and below, and the API authorizations of the namespace and its ancestors. `fallback` ones
 * count when no other applies.
 */
export function heldGrants(
  caller: Caller,
  standing: Standing | undefined,
  policies: readonly ApiAuthorizationPolicy[],
  namespace: NamespacePath,
  now: Date,
): Grant[] {
  const own =
    standing && isWithin(namespace, standing.namespace)
      ? standing.roles.map(
          (role): Grant => ({
            permissions: permissionsOf(role),
            conditions: { ...ALWAYS, subnets: [standing.authorizedSubnets ?? []] },
          }),
        )
      : [];
  const matching = policies.filter(policy => applies(policy, caller, namespace, now));
  const firm = matching.filter(policy => !policy.fallback);
  const used = firm.length > 0 ? firm : matching;
  return [
    ...own,
    ...used.flatMap(({ authorizedIdentities, authorizedSubnets, ...conditions }) =>
      authorizedIdentities.map(
        (authorized): Grant => ({
          permissions: permissionsOf(authorized),
          conditions: { ...conditions, subnets: [authorizedSubnets] },
        }),
      ),
    ),
  ];
}

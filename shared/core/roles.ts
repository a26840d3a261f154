import { identityNamed } from '../schema/resources.ts';
import { ROLES } from './role-table.ts';

/** What a role or a raw permission grants: identity → verbs. `*` as identity means every identity. */
export type Permissions = Readonly<Record<string, readonly RoleVerb[]>>;
export type RoleVerb = 'any' | 'get' | 'post' | 'put' | 'delete';

const RAW_VERBS: Readonly<Record<string, RoleVerb>> = {
  any: 'any',
  get: 'get',
  head: 'get',
  post: 'post',
  put: 'put',
  patch: 'put',
  delete: 'delete',
};

/** `@auth:role=<key>` or `identity,verb…` → what it grants; the identity by any of its names. Unknown roles and verbs grant nothing. */
export function permissionsOf(authorized: string): Permissions {
  if (authorized.startsWith('@auth:role=')) {
    return ROLES[authorized.slice('@auth:role='.length)]?.authorizations ?? {};
  }
  const [identity = '', ...verbs] = authorized.split(',');
  return { [identityNamed(identity) ?? identity]: verbs.flatMap(verb => RAW_VERBS[verb] ?? []) };
}

/** True when the permissions hold this verb on this identity. */
export const grants = (permissions: Permissions, identity: string, verb: RoleVerb): boolean =>
  [identity, '*'].some(key => {
    const verbs = Object.hasOwn(permissions, key) ? permissions[key] : undefined;
    return verbs?.includes(verb) || verbs?.includes('any');
  });

/** True when everything in `wanted` is in one of `held`: nobody can grant what they lack. */
export const covers = (held: readonly Permissions[], wanted: Permissions): boolean =>
  Object.entries(wanted).every(([identity, verbs]) =>
    verbs.every(verb => held.some(permissions => grants(permissions, identity, verb))),
  );

const VERBS = ['get', 'post', 'put', 'delete'] as const satisfies readonly RoleVerb[];

const verbsOn = (permissions: Permissions, identity: string): RoleVerb[] =>
  grants(permissions, identity, 'any') ? ['any'] : VERBS.filter(verb => grants(permissions, identity, verb));

/** What one of them holds. */
export const union = (all: readonly Permissions[]): Permissions => {
  const identities = new Set(all.flatMap(permissions => Object.keys(permissions)));
  return Object.fromEntries(
    [...identities]
      .sort()
      .map(identity => [identity, [...new Set(all.flatMap(permissions => verbsOn(permissions, identity)))]]),
  );
};

/** What both hold. */
export const intersection = (one: Permissions, other: Permissions): Permissions => {
  const identities = new Set([...Object.keys(one), ...Object.keys(other)]);
  const shared = [...identities].sort().map((identity): [string, RoleVerb[]] => {
    const verbs = verbsOn(one, identity);
    return [
      identity,
      verbs.includes('any') ? verbsOn(other, identity) : verbs.filter(verb => grants(other, identity, verb)),
    ];
  });
  return Object.fromEntries(shared.filter(([, verbs]) => verbs.length > 0));
};

/** As raw permissions, `identity,verb…`, which `permissionsOf` reads. */
export const rawOf = (permissions: Permissions): string[] =>
  Object.entries(permissions).map(([identity, verbs]) => [identity, ...verbs].join(','));

import type { ApiCheck, ApiCheckRequest, Authz, AuthzRequest } from '../../shared/api/access-messages.ts';
import { operations, routes, type Verb } from '../../shared/api/routes.ts';
import { whyAbsent } from '../../shared/core/absent.ts';
import { heldGrants } from '../../shared/core/authorize.ts';
import { restricted } from '../../shared/core/restrictions.ts';
import { grants, type Permissions, permissionsOf, union } from '../../shared/core/roles.ts';
import { isWithin, type NamespacePath } from '../../shared/schema/ids.ts';
import { identityNamed } from '../../shared/schema/resources.ts';
import type { Restrictions } from '../../shared/schema/token.ts';
import { authorizationsFor } from '../authorizations-for.ts';
import type { Call, Handler } from '../call.ts';
import { heldIn } from '../held.ts';
import { brokenRules } from '../pipeline/problem.ts';

/** The original's operations → what they need. */
const VERBS: Readonly<Record<ApiCheckRequest['operation'], Verb>> = {
  Create: 'post',
  Delete: 'delete',
  Info: 'get',
  Patch: 'put',
  Retrieve: 'get',
  RetrieveMany: 'get',
  Update: 'put',
};

/** Everything that permissions are on. */
export const PERMISSIONS: ReadonlySet<string> = new Set(
  operations.flatMap(operation => {
    const { allow } = routes[operation];
    return allow === 'everybody' ? [] : [allow.identity];
  }),
);

/** What a raw permission can be on: whatever a route asks for, or everything. */
const grantable: ReadonlySet<string> = new Set([...PERMISSIONS, '*']);

/** Whether a role, or a permission on something, is one that nobody knows here: it grants nothing. */
export function isInert(authorized: string): boolean {
  const named = Object.keys(permissionsOf(authorized));
  return authorized.startsWith('@auth:role=')
    ? named.length === 0
    : !named.every(identity => grantable.has(identity));
}

/** `role` or `identity`: what a permission names. */
export const namedBy = (authorized: string): string =>
  authorized.startsWith('@auth:role=') ? 'role' : 'identity';

function refuseOutside(attribute: string, namespace: NamespacePath, call: Call): void {
  if (isWithin(namespace, call.namespace)) return;
  const message = `it must be ${call.namespace}, the namespace of the request, or one below`;
  throw brokenRules([{ path: [attribute], input: namespace, message }]);
}

/** `{ get: true, post: true }` for each identity. */
const asMap = (permissions: Permissions): Authz['permissions'] =>
  Object.fromEntries(
    Object.entries(permissions).map(([identity, verbs]) => [
      identity,
      Object.fromEntries(verbs.map(verb => [verb, true])),
    ]),
  );

const restrictionsOf = (asked: AuthzRequest): Restrictions => ({
  ...(asked.restrictedNamespace === '' ? {} : { namespace: asked.restrictedNamespace }),
  ...(asked.restrictedPermissions.length === 0 ? {} : { perms: asked.restrictedPermissions }),
  ...(asked.restrictedNetworks.length === 0 ? {} : { networks: asked.restrictedNetworks }),
});

/** By authorizations alone: what an app credential brings along by itself is not among its claims. */
const authorizeClaims: Handler = async (call, deps) => {
  const asked = call.body as AuthzRequest;
  const namespace = asked.targetNamespace;
  refuseOutside('targetNamespace', namespace, call);
  const caller = { claims: asked.claims, address: asked.clientIP };
  const policies = await authorizationsFor(caller, namespace, deps);
  const held = heldGrants(caller, undefined, policies, namespace, deps.clock.now());
  const left = restricted(held, restrictionsOf(asked), namespace, caller);
  return { body: { permissions: asMap(union(left.map(({ permissions }) => permissions))) } satisfies Authz };
};

const checkApi: Handler = async (call, deps) => {
  const { namespace, operation, targetIdentities } = call.body as ApiCheckRequest;
  refuseOutside('namespace', namespace, call);
  const identityOf = (name: string): string | undefined =>
    identityNamed(name) ?? (PERMISSIONS.has(name.toLowerCase()) ? name.toLowerCase() : undefined);
  // Of what the original has and Microseg has not, nobody may do anything.
  const isKnown = (name: string): boolean => identityOf(name) !== undefined || whyAbsent(name) !== undefined;
  const unknown = targetIdentities.findIndex(name => !isKnown(name));
  if (unknown >= 0) {
    const path = ['targetIdentities', unknown];
    throw brokenRules([{ path, input: targetIdentities[unknown], message: 'there is no such resource' }]);
  }
  const held = namespace === call.namespace ? call.held : await heldIn(namespace, call, deps);
  const may = (name: string): boolean =>
    held.some(permissions => grants(permissions, identityOf(name) ?? name, VERBS[operation])) &&
    identityOf(name) !== undefined;
  const authorized = Object.fromEntries(targetIdentities.map(name => [name, may(name)]));
  return { body: { authorized } satisfies ApiCheck };
};

export const access = { authorizeClaims, checkApi };

import type { Allow, Route } from '../../shared/api/routes.ts';
import { type Caller, fromSubnets, heldGrants, type Standing } from '../../shared/core/authorize.ts';
import type { Grant } from '../../shared/core/grants.ts';
import { restricted } from '../../shared/core/restrictions.ts';
import { grants, type Permissions } from '../../shared/core/roles.ts';
import type { ObjectStore, Stored } from '../../shared/ports/object-store.ts';
import { fail } from '../../shared/schema/failure.ts';
import { lineage, type NamespacePath, ObjectId, parentPath } from '../../shared/schema/ids.ts';
import type { Namespace } from '../../shared/schema/namespace.ts';
import { type Identity, identityNamed, type ObjectOf } from '../../shared/schema/resources.ts';
import type { Restrictions, TokenClaims } from '../../shared/schema/token.ts';
import { authorizationsFor } from '../authorizations-for.ts';
import { beingDeleted } from '../being-deleted.ts';
import type { Call } from '../call.ts';
import type { Deps } from '../deps.ts';
import { isCertified, keyOf } from '../enforcer-certificate.ts';
import { isShown } from '../hidden.ts';
import { readingOnce } from '../reading-once.ts';
import { countUse } from './quota.ts';
import { reachBelow } from './reach.ts';

/** Every object of one namespace but hidden namespaces, page by page: for kinds of which a namespace holds few. */
export async function everyIn<I extends Identity>(
  store: ObjectStore,
  resource: I,
  namespace: NamespacePath,
): Promise<ObjectOf<I>[]> {
  const items: ObjectOf<I>[] = [];
  let after: string | undefined;
  do {
    const page = await store.list(resource, namespace, {
      limit: 1000,
      ...(after === undefined ? {} : { after }),
    });
    items.push(...page.items.filter(isShown));
    after = page.next;
  } while (after !== undefined);
  return items;
}

/**
 * Namespace objects from the tenant down to the namespace itself; undefined when there is no such namespace, or it is
 * below one that is being removed.
 */
export async function lineageObjects(
  store: ObjectStore,
  namespace: NamespacePath,
): Promise<Namespace[] | undefined> {
  const paths = lineage(namespace).slice(1);
  const found = await Promise.all(paths.map(path => store.getByName('namespace', parentPath(path), path)));
  const there = found.filter(it => it !== undefined);
  return there.length < paths.length ? undefined : there;
}

/** The object that the path names, `/<resource>/{id}…`; undefined when there is none, or no such ID can be. */
async function targetOf(call: Call, store: ObjectStore): Promise<Stored | undefined> {
  const resource = identityNamed(call.route.path.split('/')[1] ?? '');
  const id = ObjectId.safeParse(call.params.id);
  if (!resource || !id.success) return undefined;
  const found = await store.get({ resource, namespace: call.namespace, id: id.data });
  return found && isShown(found) ? found : undefined;
}

/** What the first batch of reads found; the operation itself reads or writes once more at most. */
export interface Authorized {
  caller: Caller;
  granted: readonly Grant[];
  held: readonly Permissions[];
  standing: Standing | undefined;
  restrictions: Restrictions;
  /** Namespace objects from the tenant down to the request's own. The root has no object. */
  lineage: Namespace[];
  below: readonly NamespacePath[];
  target: Stored | undefined;
}

const allowedVerb = ({ allow }: Route) => (allow === 'everybody' ? 'get' : allow.verb);

/** An enforcer acts for itself and its own processing units, whatever its namespace holds. */
function refuseForeign(claims: TokenClaims, { params, route }: Call, target: Stored | undefined): void {
  if (claims.realm !== 'enforcer' || params.id === claims.sub || allowedVerb(route) === 'get') return;
  if (route.path.startsWith('/enforcers/')) {
    throw fail('forbidden', `enforcer ${claims.sub} acts for itself, not for ${params.id}`);
  }
  const isUnit = route.path.startsWith('/processingunits/') && target !== undefined;
  if (isUnit && Reflect.get(target, 'enforcerID') !== claims.sub) {
    throw fail('forbidden', `processing unit ${params.id} is not one of enforcer ${claims.sub}, which asks`);
  }
}

/**
 * What the token's caller got it with, as it is now: the app credential, the enforcer or the OIDC provider. Callers from a cloud
 * have neither; all that they may do comes from API authorizations.
 *
 * @throws `unauthorized` when it was removed, disabled, or may not be used from the caller's address
 */
async function standing(
  claims: TokenClaims,
  { address }: Caller,
  { store, clock }: Pick<Deps, 'store' | 'clock'>,
): Promise<Standing | undefined> {
  if (claims.realm === 'enforcer') {
    const { namespace, sub: id, key } = claims;
    const enforcer = await store.get({ resource: 'enforcer', namespace, id });
    if (enforcer && isCertified(enforcer, clock.now()) && keyOf(enforcer.certificate) === key) {
      const { watches } = enforcer;
      return { namespace, roles: ['@auth:role=enforcer.runtime'], watches };
    }
    throw fail('unauthorized', 'the enforcer behind the token was deleted, or has another certificate now');
  }
  if (claims.realm === 'oidc') {
    const { namespace, provider: id } = claims;
    const provider = await store.get({ resource: 'oidcprovider', namespace, id });
    if (provider && !provider.disabled) return undefined;
    throw fail('unauthorized', 'the provider behind the token was removed or disabled');
  }
  if (claims.realm !== 'certificate') return undefined;
  const { namespace, sub: id } = claims;
  const credential = await store.get({ resource: 'appcredential', namespace, id });
  if (credential && !credential.disabled && fromSubnets(address, credential.authorizedSubnets)) {
    return credential;
  }
  throw fail('unauthorized', 'the credential behind the token was revoked or may not be used from here');
}

const isRestricted = ({ restrictions }: TokenClaims): boolean => Object.keys(restrictions).length > 0;

/**
 * What the bearer of a token holds in a namespace at this moment, for what lasts longer than a request: no use of the
 * token is counted.
 *
 * @throws `unauthorized` when what the token was got with was revoked, `not_found` when the namespace is gone
 */
export async function heldNow(
  claims: TokenClaims,
  caller: Caller,
  namespace: NamespacePath,
  { store, clock }: Pick<Deps, 'store' | 'clock'>,
): Promise<Permissions[]> {
  const [credential, namespaces, authorizations] = await Promise.all([
    standing(claims, caller, { store, clock }),
    lineageObjects(store, namespace),
    authorizationsFor(caller, namespace, { store }),
  ]);
  if (!namespaces) throw fail('not_found', `no namespace \`${namespace}\`; it was removed`);
  const all = heldGrants(caller, credential, authorizations, namespace, clock.now());
  return restricted(all, claims.restrictions, namespace, caller).map(({ permissions }) => permissions);
}

/** Where below the namespace the caller may do it. */
function heldBelow(
  allow: Exclude<Allow, 'everybody'>,
  claims: TokenClaims,
  { caller, namespace }: Call,
  credential: Standing | undefined,
  { store, clock }: Pick<Deps, 'store' | 'clock'>,
): Promise<NamespacePath[]> {
  // Many places below have the same namespaces above them.
  const once = { store: readingOnce(store), clock };
  const heldIn = (path: NamespacePath) => heldNow(claims, caller, path, once);
  return reachBelow(allow, claims, caller, credential, namespace, heldIn, { store });
}

/**
 * One parallel batch: the token's quota is counted, and consistent reads bring the caller's credential or provider (so
 * that revoking works within one request), the namespaces from the tenant down, their API authorizations, and the
 * object that the path names.
 *
 * Without the permission the answer is 403 whether or not the namespace exists, so that nothing is learned of it.
 */
export async function authorize(
  allow: Exclude<Allow, 'everybody'>,
  claims: TokenClaims,
  call: Call,
  { store, clock }: Pick<Deps, 'store' | 'clock'>,
): Promise<Omit<Authorized, 'caller'>> {
  const { namespace, caller } = call;
  const [credential, target, namespaces, authorizations] = await Promise.all([
    standing(claims, caller, { store, clock }),
    targetOf(call, store),
    lineageObjects(store, namespace),
    authorizationsFor(caller, namespace, { store }),
    countUse(claims, { store, clock }),
  ]);
  const all = heldGrants(caller, credential, authorizations, namespace, clock.now());
  const granted = restricted(all, claims.restrictions, namespace, caller);
  const held = granted.map(({ permissions }) => permissions);
  const isHeld = held.some(permissions => grants(permissions, allow.identity, allow.verb));
  const below =
    !isHeld && call.route.below ? await heldBelow(allow, claims, call, credential, { store, clock }) : [];
  if (!isHeld && below.length === 0) {
    throw fail(
      'forbidden',
      `you may not ${allow.verb} ${allow.identity} in ${namespace}; ${isRestricted(claims) ? 'the token is restricted, so get one without restrictions, or ' : ''}ask an administrator of it for a role that may`,
    );
  }
  refuseForeign(claims, call, target);
  if (!namespaces) {
    // Readers are told that it is gone; who writes could neither use the name nor take it.
    const deleting = call.route.fails.includes('locked')
      ? await beingDeleted(namespace, { store })
      : undefined;
    throw deleting ?? fail('not_found', `no namespace \`${namespace}\`; create it in its parent first`);
  }
  return {
    granted,
    held,
    standing: credential,
    restrictions: claims.restrictions,
    lineage: namespaces,
    below,
    target,
  };
}

import { crudOperation } from '../../shared/api/client.ts';
import { fail } from '../../shared/schema/failure.ts';
import { NamespacePath, ObjectId, parentPath } from '../../shared/schema/ids.ts';
import { type Identity, identities, identityNamed, resourceOf } from '../../shared/schema/resources.ts';
import type { Session } from './session.ts';
import { type Attributes, isAttributes, pairOf } from './values.ts';

/** The identity that an argument names: singular, plural or alias, in any case. */
export function identityOf(name: string): Identity {
  const identity = identityNamed(name);
  if (identity) return identity;
  throw fail('bad_request', `there is no identity \`${name}\`; there are ${identities.join(', ')}`);
}

/** Objects of one request: so many fit into the 6 MB that an answer may have, unless they are very large. */
const PAGE = 100;

export type Query = Record<string, string | number | boolean | string[]>;

/** Query parameters from `-p name=value`; a name said twice has both values. */
export function queryOf(pairs: readonly string[] = []): Query {
  const query: Record<string, string[]> = {};
  for (const pair of pairs) {
    const [name, value] = pairOf(pair, '-p');
    query[name] = [...(query[name] ?? []), value];
  }
  return query;
}

const asObjects = (body: unknown): Attributes[] => (Array.isArray(body) ? body.filter(isAttributes) : []);

/** One page as the caller asks for it. */
export async function onePage(session: Session, identity: Identity, query: Query): Promise<Attributes[]> {
  const { client, namespace } = session;
  const { body, messages } = await client.send(crudOperation('list', identity), { namespace, query });
  session.warn(messages);
  return asObjects(body);
}

/** All objects, page after page. Several orders cannot go with a cursor, so these pages are numbered. */
export async function everyObject(session: Session, identity: Identity, query: Query): Promise<Attributes[]> {
  const { client, namespace } = session;
  const numbered = Array.isArray(query.order) && query.order.length > 1;
  const objects: Attributes[] = [];
  let place: Query = numbered ? { page: 1, pagesize: PAGE } : { limit: PAGE };
  for (;;) {
    const asked = { ...query, ...place };
    const { body, next, messages } = await client.send(crudOperation('list', identity), {
      namespace,
      query: asked,
    });
    session.warn(messages);
    const page = asObjects(body);
    objects.push(...page);
    if (numbered ? page.length < PAGE : next === undefined) return objects;
    if (next !== undefined && next === place.after) {
      throw fail('unavailable', `the API gives the same page of ${identity} again: cursor \`${next}\``);
    }
    place = numbered ? { page: Number(place.page) + 1, pagesize: PAGE } : { limit: PAGE, after: next ?? '' };
  }
}

/** A reference to one object, resolved: the namespace it lives in and its ID. */
export interface Found {
  namespace: NamespacePath;
  id: string;
}

/**
 * What `<id or name>` names in the session's namespace. 24 hex characters are always an ID. A namespace may be named by
 * its short name or by its full path, which says its parent too.
 */
export async function findOne(session: Session, identity: Identity, named: string): Promise<Found> {
  if (ObjectId.safeParse(named).success) return { namespace: session.namespace, id: named };
  const { namespace, name } =
    identity === 'namespace' ? placeOf(session.namespace, named) : { ...session, name: named };
  const objects = await everyObject({ ...session, namespace }, identity, {});
  const ids = objects.filter(object => object.name === name).map(({ ID }) => String(ID));
  const [id] = ids;
  if (id === undefined) throw fail('not_found', `no ${identity} \`${named}\` in ${namespace}`);
  if (ids.length === 1) return { namespace, id };
  throw fail(
    'duplicate',
    `${ids.length} ${resourceOf(identity).plural} in ${namespace} are named \`${named}\`: say which ID of ${ids.join(', ')}`,
  );
}

/** A namespace object lives in its parent and bears its full path as its name. */
function placeOf(namespace: NamespacePath, named: string): { namespace: NamespacePath; name: string } {
  const path = NamespacePath.safeParse(named.startsWith('/') ? named : childPathText(namespace, named));
  if (!path.success) throw fail('bad_request', `\`${named}\` is not the name of a namespace`);
  return { namespace: parentPath(path.data), name: path.data };
}

const childPathText = (namespace: NamespacePath, name: string): string =>
  namespace === '/' ? `/${name}` : `${namespace}/${name}`;

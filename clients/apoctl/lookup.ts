import {
  crudOperation,
  type Listing,
  listingNamed,
  listings,
  type Operation,
} from '../../shared/api/client.ts';
import { fail } from '../../shared/schema/failure.ts';
import { NamespacePath, ObjectId, parentPath } from '../../shared/schema/ids.ts';
import { type Identity, identities, identityNamed, resourceOf } from '../../shared/schema/resources.ts';
import { type Shown, shownResource } from './output.ts';
import type { Session } from './session.ts';
import { type Attributes, isAttributes, pairOf } from './values.ts';

/** The identity that an argument names: singular, plural or alias, in any case. */
export function identityOf(name: string): Identity {
  const identity = identityNamed(name);
  if (identity) return identity;
  const listing = listingNamed(name);
  if (listing) {
    const { plural, count } = listing;
    const counted = count ? ' and counted' : '';
    throw fail('bad_request', `${plural} can only be listed${counted}: apoctl api list ${plural}`);
  }
  throw fail('bad_request', `there is no identity \`${name}\`; there are ${identities.join(', ')}`);
}

/** What is listed or counted: objects of a resource, or entries of one of the API's other lists. */
export function listableOf(name: string): Identity | Listing {
  const found = identityNamed(name) ?? listingNamed(name);
  if (found) return found;
  const others = listings.map(({ plural }) => plural).join(', ');
  throw fail(
    'bad_request',
    `there is no identity \`${name}\`; there are ${identities.join(', ')}, and lists of ${others}`,
  );
}

const isListing = (what: Identity | Listing): what is Listing => typeof what !== 'string';

/** Texts that name a thing and its attributes to people. */
export const shownOf = (what: Identity | Listing): Shown =>
  isListing(what) ? what : shownResource(resourceOf(what));

export const countOperation = (what: Identity | Listing): Operation => {
  if (!isListing(what)) return crudOperation('count', what);
  if (what.count) return what.count;
  throw fail('bad_request', `${what.plural} can't be counted; list them: apoctl api list ${what.plural}`);
};

/** Objects of one request: so many fit into the 6 MB that an answer may have, unless they are very large. */
const PAGE = 100;
const NUMBERED_PAGE = 1000;

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

interface Page {
  objects: Attributes[];
  next?: string;
  total?: number;
}

async function ask(
  { client, namespace, warn }: Session,
  what: Identity | Listing,
  query: Query,
): Promise<Page> {
  const operation = isListing(what) ? what.list : crudOperation('list', what);
  const { body, messages, ...answer } = await client.send(operation, { namespace, query });
  warn(messages);
  return { ...answer, objects: Array.isArray(body) ? body.filter(isAttributes) : [] };
}

/** One page as the caller asks for it. */
export const onePage = async (
  session: Session,
  what: Identity | Listing,
  query: Query,
): Promise<Attributes[]> => (await ask(session, what, query)).objects;

/** All entries, in the order in which the API gives them. */
export const everyEntry = (session: Session, listing: Listing, query: Query): Promise<Attributes[]> => {
  const { hasCursor, hasPages } = listing;
  if (hasCursor && query.order === undefined) return cursorPages(session, listing, query);
  return hasPages ? numberedPages(session, listing, query) : onePage(session, listing, query);
};

/** All objects, page after page; in the resource's usual order when none is asked for. */
export const everyObject = async (
  session: Session,
  identity: Identity,
  query: Query,
): Promise<Attributes[]> =>
  query.order !== undefined || query.propagated !== undefined
    ? numberedPages(session, identity, query)
    : usuallyOrdered(identity, await cursorPages(session, identity, query));

async function cursorPages(session: Session, what: Identity | Listing, query: Query): Promise<Attributes[]> {
  const objects: Attributes[] = [];
  let after: string | undefined;
  for (;;) {
    const page = await ask(session, what, {
      ...query,
      limit: PAGE,
      ...(after === undefined ? {} : { after }),
    });
    objects.push(...page.objects);
    if (page.next === undefined) return objects;
    if (page.next === after) {
      throw fail(
        'unavailable',
        `the API gives the same page of ${shownOf(what).plural} again, at cursor \`${after}\``,
      );
    }
    after = page.next;
  }
}

/** A cursor knows neither an order nor inherited objects; pages by number do, and read all of it for each page. */
async function numberedPages(
  session: Session,
  what: Identity | Listing,
  query: Query,
): Promise<Attributes[]> {
  const objects: Attributes[] = [];
  for (let page = 1; ; page++) {
    const found = await ask(session, what, { ...query, page, pagesize: NUMBERED_PAGE });
    objects.push(...found.objects);
    if (found.objects.length === 0 || objects.length >= (found.total ?? 0)) return objects;
  }
}

function usuallyOrdered(identity: Identity, objects: Attributes[]): Attributes[] {
  const { defaultOrder = 'ID' } = resourceOf(identity);
  const key = (object: Attributes) => `${object[defaultOrder] ?? ''}\u0000${object.ID ?? ''}`;
  return objects.sort((a, b) => (key(a) < key(b) ? -1 : 1));
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

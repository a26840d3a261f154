import { type CrudAction, crudOperation, routes } from '../../shared/api/routes.ts';
import { grants } from '../../shared/core/roles.ts';
import { fail } from '../../shared/schema/failure.ts';
import type { NamespacePath } from '../../shared/schema/ids.ts';
import type { Namespace } from '../../shared/schema/namespace.ts';
import { type Identity, type ObjectOf, resourceOf } from '../../shared/schema/resources.ts';
import type { Call } from '../call.ts';
import type { Deps } from '../deps.ts';
import { readAs } from '../input.ts';
import { everyIn, lineageObjects } from '../pipeline/authorize.ts';
import { below, type Entry } from './entries.ts';

/** The tag by which an import finds what an earlier one with the same label made. */
export const labelTag = (label: string): string => `@import:label=${label}`;

export type Lineages = (namespace: NamespacePath) => Promise<readonly Namespace[] | undefined>;

/** Namespace objects of each namespace from the tenant down, read once; those that are not there are asked for again. */
export function lineagesFor(call: Call, { store }: Pick<Deps, 'store'>): Lineages {
  const known = new Map<NamespacePath, readonly Namespace[]>([[call.namespace, call.lineage]]);
  return async namespace => {
    const found = known.get(namespace) ?? (await lineageObjects(store, namespace));
    if (found) known.set(namespace, found);
    return found;
  };
}

/** The call that creates, changes or deletes one object, as if it had come alone. */
export async function callFor(
  { identity, namespace, fields }: Pick<Entry, 'identity' | 'namespace' | 'fields'>,
  action: CrudAction,
  target: Call['target'],
  call: Call,
  lineages: Lineages,
): Promise<Call> {
  const operation = crudOperation(action, identity);
  const route = routes[operation];
  const { allow } = route;
  if (allow !== 'everybody' && !call.held.some(held => grants(held, allow.identity, allow.verb))) {
    throw fail('forbidden', `you may not ${allow.verb} ${allow.identity} in ${namespace}`);
  }
  const lineage = await lineages(namespace);
  if (lineage === undefined) throw fail('not_found', `no namespace \`${namespace}\`; import it first`);
  const params = target ? { id: target.ID } : {};
  return { ...call, operation, route, namespace, lineage, target, params, body: fields, imported: true };
}

/** Whether the object is already as the file says, once defaults are filled in within what it says. */
export function isAsSaid(identity: Identity, object: object, sent: Entry['fields']): boolean {
  const fields = readAs(identity, sent);
  const said = resourceOf(identity).input.partial().safeParse(fields);
  const { secrets = [] } = resourceOf(identity);
  return (
    said.success &&
    Object.keys(fields).every(
      key =>
        secrets.includes(key) ||
        JSON.stringify(Reflect.get(object, key)) === JSON.stringify(Reflect.get(said.data, key)),
    )
  );
}

/** Whether a create with the fields would make such an object. */
function isWholly(identity: Identity, object: object, fields: Entry['fields']): boolean {
  const { input, writable } = resourceOf(identity);
  const said = input.safeParse(readAs(identity, fields));
  return (
    said.success &&
    Object.keys(writable).every(
      key => JSON.stringify(Reflect.get(object, key)) === JSON.stringify(Reflect.get(said.data, key)),
    )
  );
}

/** Objects that were there before an import, by their names. */
export type Shelf = Map<unknown, ObjectOf<Identity>[]>;

export const shelve = (objects: readonly ObjectOf<Identity>[]): Shelf =>
  Map.groupBy(objects, object => Reflect.get(object, 'name'));

/** The name that the object of an entry has when it is stored. */
export const nameMeant = ({ identity, namespace, fields }: Entry): unknown =>
  identity === 'namespace'
    ? below(namespace, typeof fields.name === 'string' ? fields.name : '')
    : fields.name;

/** Whether an object can be what entries of a label mean: by its name where names are unique, else by label too. */
export const isMeant = (identity: Identity, { metadata }: ObjectOf<Identity>, tag: string): boolean =>
  resourceOf(identity).unique !== undefined || metadata.some(it => it === tag);

/** What was said when an object was written, in one order: nothing of it depends on when or where the object was made. */
const saidOf = (identity: Identity, object: object): string =>
  JSON.stringify(Object.keys(resourceOf(identity).writable).map(key => Reflect.get(object, key)));

/**
 * Takes the object that an entry means off the shelf, so that two objects of one name in a file stay two. Of several of one
 * name it is the one that is so already, lest a repeated import swaps them; else the first by what they say, since they were
 * made at one moment and their IDs are in no order.
 */
export function takeOff(shelf: Shelf, entry: Entry, tag: string): ObjectOf<Identity> | undefined {
  const { identity, fields } = entry;
  const named = shelf.get(nameMeant(entry)) ?? [];
  const meant = named.filter(object => isMeant(identity, object, tag));
  const first = (a: object, b: object): number => (saidOf(identity, a) < saidOf(identity, b) ? -1 : 1);
  const taken =
    meant.length > 1
      ? (meant.find(object => isWholly(identity, object, fields)) ?? meant.toSorted(first)[0])
      : meant[0];
  if (taken) named.splice(named.indexOf(taken), 1);
  return taken;
}

/** Finds the object that an entry means, of those that were there before the import. Each is found once. */
export type Take = (entry: Entry, tag: string) => Promise<ObjectOf<Identity> | undefined>;

export function takeFrom(store: Deps['store']): Take {
  const before = new Map<string, Promise<Shelf>>();
  return async (entry, tag) => {
    const { identity, namespace } = entry;
    const place = `${identity} ${namespace}`;
    const shelf = before.get(place) ?? everyIn(store, identity, namespace).then(shelve);
    before.set(place, shelf);
    return takeOff(await shelf, entry, tag);
  };
}

import { fail } from '../schema/failure.ts';
import { isWithin, type NamespacePath } from '../schema/ids.ts';
import { isHidden } from '../schema/namespace.ts';
import type { PushConfig, PushEvent } from '../schema/push.ts';
import { type Identity, identityNamed, type ObjectOf, resourceOf } from '../schema/resources.ts';
import type { Expression } from './filter/ast.ts';
import { compileFilters, type Predicate } from './filter/compile.ts';
import { parseFilters } from './filter/parse.ts';
import { type Budget, newBudget } from './filter/pattern.ts';
import { grants, type Permissions } from './roles.ts';

/** A committed write, as the change feed tells it. */
export interface Committed {
  resource: Identity;
  operation: 'create' | 'update' | 'delete';
  before?: ObjectOf<Identity>;
  after?: ObjectOf<Identity>;
}

/** What listeners are told of a write. */
export interface PushedChange {
  resource: Identity;
  operation: 'create' | 'update' | 'delete';
  /** After the change, or before it was deleted. Without secrets, so that no filter can ask for them either. */
  object: ObjectOf<Identity>;
}

/** What a connection wants to hear of. */
export interface Subscription {
  namespace: NamespacePath;
  /** What happens in the namespaces below too. */
  recursive: boolean;
  /** Absent: every resource; an empty set: every operation. */
  identities?: ReadonlyMap<Identity, ReadonlySet<string>>;
  filters: ReadonlyMap<Identity, Predicate>;
}

const named = (name: string): Identity => {
  const identity = identityNamed(name);
  if (identity) return identity;
  throw fail('invalid', `\`${name}\` names no resource`);
};

/** Filters of push events know no order and no lists, as in the original. */
function mustBeSimple(expression: Expression, filter: string): void {
  if (expression.kind === 'and' || expression.kind === 'or') {
    for (const part of expression.of) mustBeSimple(part, filter);
    return;
  }
  const isSimple =
    expression.kind === 'matches' ||
    expression.kind === 'exists' ||
    (expression.kind === 'compare' && /^[!=]=$/.test(expression.operator));
  if (isSimple) return;
  throw fail(
    'invalid',
    `filter \`${filter}\` of push events may use ==, !=, matches, exists, not exists, and, or; nothing else`,
  );
}

/** Steps of patterns, see filter/pattern.ts. */
const STEPS = 1_000_000;

/** What the patterns of a caller may take for the changes that it is told of together, however often it listens. */
export const listeningBudget = (): Budget =>
  newBudget(STEPS, 'listen to fewer resources, in fewer connections, or with shorter patterns');

function predicateOf(identity: Identity, filter: string, now: Date, budget: Budget): Predicate {
  const filters = parseFilters([filter]);
  for (const { root } of filters) mustBeSimple(root, filter);
  // So many patterns may be in each filter; what they take counts together.
  budget.patterns = 0;
  return filters.length === 0 ? () => true : compileFilters(filters, resourceOf(identity), now, budget);
}

/** @throws `invalid` or `bad_request` for what names nothing or cannot be filtered by */
export function subscriptionOf(
  place: Pick<Subscription, 'namespace' | 'recursive'>,
  { identities, filters }: PushConfig,
  now: Date,
  budget = listeningBudget(),
): Subscription {
  const wanted = Object.entries(identities).map(([name, operations]): [Identity, ReadonlySet<string>] => [
    named(name),
    new Set(operations),
  ]);
  const by = Object.entries(filters).map(([name, filter]): [Identity, Predicate] => [
    named(name),
    predicateOf(named(name), filter, now, budget),
  ]);
  return { ...place, ...(wanted.length > 0 ? { identities: new Map(wanted) } : {}), filters: new Map(by) };
}

const isShown = (object: ObjectOf<Identity>): boolean => !('deletion' in object && isHidden(object));

function withoutSecrets(resource: Identity, object: ObjectOf<Identity>): ObjectOf<Identity> {
  const secrets = resourceOf(resource).secrets ?? [];
  if (secrets.length === 0) return object;
  return Object.fromEntries(
    Object.entries(object).filter(([key]) => !secrets.includes(key)),
  ) as ObjectOf<Identity>;
}

/**
 * What is told of a write; undefined when nothing. A namespace that is deleted with all that is in it is gone when it is
 * hidden, for listeners as for lists; that it goes for good later is nobody's concern.
 */
export function pushed({ resource, operation, before, after }: Committed): PushedChange | undefined {
  const told = (as: PushedChange['operation'], object: ObjectOf<Identity>): PushedChange => ({
    resource,
    operation: as,
    object: withoutSecrets(resource, object),
  });
  const [was, is] = [before !== undefined && isShown(before), after !== undefined && isShown(after)];
  if (after && is) return told(operation, after);
  return before && was ? told('delete', before) : undefined;
}

/**
 * Whether an object was deleted because its namespace was, of which listeners were told: the namespace is gone or hidden by
 * now, or another one bears its name. `made`: when the youngest of the namespaces from the tenant down to the object's was
 * made; undefined when one of them is not there.
 */
export const wentWithNamespace = ({ operation, object }: PushedChange, made: string | undefined): boolean =>
  operation === 'delete' && (made === undefined || object.createTime < made);

/** Whether whoever holds these rights where it listens may hear of the change: a GET would show it the object. */
export const mayHear = ({ resource }: PushedChange, held: readonly Permissions[]): boolean =>
  held.some(permissions => grants(permissions, resource, 'get'));

/** Whether a change is of a kind and in a place that the connection asked for. */
export function concerns({ resource, operation, object }: PushedChange, subscription: Subscription): boolean {
  const { namespace, recursive, identities } = subscription;
  if (recursive ? !isWithin(object.namespace, namespace) : object.namespace !== namespace) return false;
  const operations = identities?.get(resource);
  if (identities && !operations) return false;
  return !operations || operations.size === 0 || operations.has(operation);
}

/**
 * Whether a change that concerns the connection passes its filter. Only for what it may hear: what a filter takes tells of the object.
 *
 * @throws `bad_request` when its patterns take too long
 */
export const passes = ({ resource, object }: PushedChange, { filters }: Subscription): boolean =>
  filters.get(resource)?.(object) ?? true;

export function pushEvent({ resource, operation, object }: PushedChange, now: Date): PushEvent {
  return {
    entity: object,
    identity: resource,
    type: operation,
    timestamp: now.toISOString(),
    encoding: 'application/json',
  };
}

/** What is left of an object that no message has room for: enough to ask for it. */
const ESSENTIAL = ['ID', 'namespace', 'name', 'createTime', 'updateTime'];

/** The event when its object is too long for a message. */
export const briefly = (event: PushEvent): PushEvent => ({
  ...event,
  entity: Object.fromEntries(Object.entries(Object(event.entity)).filter(([key]) => ESSENTIAL.includes(key))),
});

import { fail } from '../schema/failure.ts';
import { isWithin, type NamespacePath } from '../schema/ids.ts';
import type { PushConfig, PushEvent } from '../schema/push.ts';
import { type Identity, identityNamed, type ObjectOf, resourceOf } from '../schema/resources.ts';
import type { Expression } from './filter/ast.ts';
import { compileFilters, type Predicate } from './filter/compile.ts';
import { parseFilters } from './filter/parse.ts';

/** A committed write, as the change feed tells it. */
export interface PushedChange {
  resource: Identity;
  operation: 'create' | 'update' | 'delete';
  before?: ObjectOf<Identity>;
  after?: ObjectOf<Identity>;
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

function predicateOf(identity: Identity, filter: string, now: Date): Predicate {
  const filters = parseFilters([filter]);
  for (const { root } of filters) mustBeSimple(root, filter);
  return filters.length === 0 ? () => true : compileFilters(filters, resourceOf(identity), now);
}

/** @throws `invalid` or `bad_request` for what names nothing or cannot be filtered by */
export function subscriptionOf(
  place: Pick<Subscription, 'namespace' | 'recursive'>,
  { identities, filters }: PushConfig,
  now: Date,
): Subscription {
  const wanted = Object.entries(identities).map(([name, operations]): [Identity, ReadonlySet<string>] => [
    named(name),
    new Set(operations),
  ]);
  const by = Object.entries(filters).map(([name, filter]): [Identity, Predicate] => [
    named(name),
    predicateOf(named(name), filter, now),
  ]);
  return { ...place, ...(wanted.length > 0 ? { identities: new Map(wanted) } : {}), filters: new Map(by) };
}

const objectOf = ({ before, after }: PushedChange): ObjectOf<Identity> | undefined => after ?? before;

/** Whether a change is one that the connection asked for. What it may see is asked elsewhere. */
export function reaches(change: PushedChange, subscription: Subscription): boolean {
  const object = objectOf(change);
  if (!object) return false;
  const { namespace, recursive, identities, filters } = subscription;
  if (recursive ? !isWithin(object.namespace, namespace) : object.namespace !== namespace) return false;
  const operations = identities?.get(change.resource);
  if (identities && !operations) return false;
  if (operations && operations.size > 0 && !operations.has(change.operation)) return false;
  return filters.get(change.resource)?.(object) ?? true;
}

/** What is told of a change: never a secret. */
export function pushEvent(change: PushedChange, now: Date): PushEvent {
  const secrets = resourceOf(change.resource).secrets ?? [];
  const shown = Object.entries(objectOf(change) ?? {}).filter(([key]) => !secrets.includes(key));
  return {
    entity: Object.fromEntries(shown),
    identity: change.resource,
    type: change.operation,
    timestamp: now.toISOString(),
    encoding: 'application/json',
  };
}

import type { ListParameters } from '../shared/api/routes.ts';
import type { Filter } from '../shared/core/filter/ast.ts';
import { compileFilters, type Predicate } from '../shared/core/filter/compile.ts';
import { keyCondition, type Lookup } from '../shared/core/filter/key-condition.ts';
import { parseFilters } from '../shared/core/filter/parse.ts';
import type { ObjectStore } from '../shared/ports/object-store.ts';
import { fail } from '../shared/schema/failure.ts';
import { isWithin, lineage, type NamespacePath } from '../shared/schema/ids.ts';
import type { Identity, ObjectOf } from '../shared/schema/resources.ts';
import { resourceOf } from '../shared/schema/resources.ts';
import type { Call, Reply } from './call.ts';
import type { Deps } from './deps.ts';
import { isShown, shownWithin } from './hidden.ts';
import { isInherited, propagates } from './inheritance.ts';
import { listParameters } from './list-parameters.ts';
import { areFew, asRefs, indexed, lookUp, type Place } from './look-up.ts';
import { byPlace, type Listed, orderOf, refuseByCursor, sorted } from './order.ts';
import { pageOf, pagesOf, sortable } from './walk.ts';

/** What a list or a count asks for. */
interface Question<I extends Identity> extends Place {
  identity: I;
  /** The filters of `q`, of which an object must pass one. */
  filters: readonly Filter[];
  passes: Predicate;
}

function questionOf<I extends Identity>(
  identity: I,
  call: Call,
  { recursive, propagated }: ListParameters,
  { clock }: Pick<Deps, 'clock'>,
  only: (object: ObjectOf<I>) => boolean = () => true,
): Question<I> {
  const { namespace } = call;
  const filters = parseFilters(call.query.q ?? []);
  const filtered: Predicate =
    filters.length === 0 ? () => true : compileFilters(filters, resourceOf(identity), clock.now());
  return {
    identity,
    namespace,
    recursive,
    ancestors: propagated && propagates(identity) ? lineage(namespace).slice(0, -1) : [],
    filters,
    passes: object => only(object as ObjectOf<I>) && filtered(object),
  };
}

/** Everything that may pass the filters: a few look-ups where an index can tell, else all there is. */
async function candidates<I extends Identity>(
  question: Question<I>,
  store: ObjectStore,
): Promise<ObjectOf<I>[]> {
  const lookups = lookupsFor(question);
  if (lookups) return lookUp(question.identity, lookups, question, store);
  const { identity, namespace, recursive, ancestors } = question;
  const [mine, ...theirs] = await Promise.all([
    sortable(store, identity, namespace, recursive),
    ...ancestors.map(path => sortable(store, identity, path, false)),
  ]);
  return [...mine, ...theirs.flat()];
}

const lookupsFor = ({ identity, filters, ...place }: Question<Identity>): Lookup[] | undefined =>
  filters.length === 0 ? undefined : keyCondition(filters, resourceOf(identity), indexed(identity, place));

async function answering<I extends Identity>(
  question: Question<I>,
  store: ObjectStore,
): Promise<ObjectOf<I>[]> {
  const [found, shown] = await Promise.all([candidates(question, store), shownTo(question, store)]);
  return found.filter(object => isAnswer(object, question, shown));
}

/** However it was found: it is here or inherited, it is shown, and it passes. */
const isAnswer = <I extends Identity>(
  object: ObjectOf<I>,
  { namespace, passes }: Question<I>,
  shown: (object: ObjectOf<Identity>) => boolean,
): boolean =>
  (isWithin(object.namespace, namespace) || isInherited(object, namespace)) &&
  shown(object) &&
  passes(object);

/** Which objects the question may be answered with at all: none of those that are being removed. */
const shownTo = async ({ recursive, namespace }: Place, store: ObjectStore) =>
  recursive ? shownWithin(store, namespace) : isShown;

/** Every object of a namespace and of all below it, page by page. */
export async function everyBelow<I extends Identity>(
  store: ObjectStore,
  identity: I,
  namespace: NamespacePath,
): Promise<ObjectOf<I>[]> {
  const items: ObjectOf<I>[] = [];
  for await (const page of pagesOf(store, identity, namespace, true)) items.push(...page);
  return items;
}

/** Pages that one answer reads in search of an object that passes; the next answer goes on from there. */
const MOST_READS = 10;

/**
 * A page by cursor. With a filter it holds those of the objects read that pass: it may be short, and empty when
 * MOST_READS pages have none, and says where to go on as long as there is more.
 */
async function pageByCursor<I extends Identity>(
  question: Question<I>,
  { after, limit = 100 }: ListParameters,
  store: ObjectStore,
): Promise<Reply> {
  const { identity, namespace, recursive } = question;
  const lookups = lookupsFor(question);
  if (after === undefined && lookups && areFew(identity, lookups)) {
    const all = await answering(question, store);
    if (all.length <= limit) return { body: all.sort(byPlace) };
  }
  const refs = lookups && asRefs(identity, lookups);
  let next = after;
  let items: ObjectOf<I>[] = [];
  for (let reads = 0; reads < MOST_READS && items.length === 0; reads++) {
    const query = { limit, ...(next === undefined ? {} : { after: next }) };
    const [page, shown] = await Promise.all([
      pageOf(store, identity, namespace, recursive, query, refs),
      shownTo(question, store),
    ]);
    items = page.items.filter(object => isAnswer(object, question, shown));
    next = page.next;
    if (next === undefined) break;
  }
  return { body: items, ...(next === undefined ? {} : { next }) };
}

/**
 * A page by number with the total, or, with `limit`, a page by cursor that reads only what it returns. `only`: what the
 * list is of, where that is not all of a kind.
 */
export async function list<I extends Identity>(
  identity: I,
  call: Call,
  deps: Pick<Deps, 'store' | 'clock'>,
  only?: (object: ObjectOf<I>) => boolean,
): Promise<Reply> {
  const parameters = listParameters(call);
  const question = questionOf(identity, call, parameters, deps, only);
  const { after, limit, page = 1, pagesize = 0, order } = parameters;
  if (limit !== undefined || after !== undefined) {
    refuseByCursor(parameters);
    return pageByCursor(question, parameters, deps.store);
  }
  const by = orderOf(resourceOf(identity), order);
  const all = sorted(await answering(question, deps.store), by);
  const body = pagesize > 0 ? all.slice((page - 1) * pagesize, page * pagesize) : all;
  return { body, total: all.length };
}

/** A list that is put together from several, in numbered pages: filtered, sorted and cut like any other. */
export function arranged<T extends { ID: string }>(
  items: readonly T[],
  listed: Listed,
  call: Call,
  { clock }: Pick<Deps, 'clock'>,
): Reply {
  const { after, limit, page = 1, pagesize = 0, order } = listParameters(call);
  if (limit !== undefined || after !== undefined) {
    throw fail(
      'bad_request',
      'this list is put together from several, and comes in numbered pages: use page and pagesize',
    );
  }
  const filters = parseFilters(call.query.q ?? []);
  const passes = filters.length === 0 ? () => true : compileFilters(filters, listed, clock.now());
  const all = sorted(items.filter(passes), orderOf(listed, order));
  return {
    body: pagesize > 0 ? all.slice((page - 1) * pagesize, page * pagesize) : all,
    total: all.length,
  };
}

/** All that a list without pages would hold, in no order. */
export const everything = <I extends Identity>(
  identity: I,
  call: Call,
  deps: Pick<Deps, 'store' | 'clock'>,
): Promise<ObjectOf<I>[]> => answering(questionOf(identity, call, listParameters(call), deps), deps.store);

export async function count<I extends Identity>(
  identity: I,
  call: Call,
  deps: Pick<Deps, 'store' | 'clock'>,
): Promise<Reply> {
  const question = questionOf(identity, call, listParameters(call), deps);
  const lookups = lookupsFor(question);
  if ((lookups && areFew(identity, lookups)) || question.ancestors.length > 0) {
    return { total: (await answering(question, deps.store)).length };
  }
  const { namespace, recursive } = question;
  const refs = lookups && asRefs(identity, lookups);
  const shown = await shownTo(question, deps.store);
  let total = 0;
  for await (const page of pagesOf(deps.store, identity, namespace, recursive, refs))
    for (const object of page) if (isAnswer(object, question, shown)) total += 1;
  return { total };
}

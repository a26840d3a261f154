import { ListParameters } from '../shared/api/routes.ts';
import type { Page } from '../shared/ports/object-store.ts';
import { Failure, fail } from '../shared/schema/failure.ts';
import { isWithin, lineage, type NamespacePath } from '../shared/schema/ids.ts';
import type { Identity, ObjectOf } from '../shared/schema/resources.ts';
import { resourceOf } from '../shared/schema/resources.ts';
import type { Call, Reply } from './call.ts';
import type { Deps } from './deps.ts';
import { everyIn } from './pipeline/authorize.ts';

/** As the original: a flag is set by being there, whatever its value, even `false`. */
const flag = (call: Call, name: string): boolean => call.query[name] !== undefined;

export function listParameters(call: Call): ListParameters {
  const one = (name: string) => {
    const values = call.query[name];
    if (values && values.length > 1) {
      throw fail('bad_request', `query parameter ${name} stands ${values.length} times; give it once`);
    }
    return values?.[0];
  };
  const sent = {
    page: one('page'),
    pagesize: one('pagesize'),
    after: one('after'),
    limit: one('limit'),
    order: call.query.order,
    recursive: flag(call, 'recursive'),
    propagated: flag(call, 'propagated'),
  };
  const read = ListParameters.safeParse(sent);
  if (!read.success) {
    throw new Failure(
      'bad_request',
      read.error.issues.map(({ path: [name = ''], message }) => ({
        description: `query parameter ${String(name)} is \`${Reflect.get(sent, name)}\`: ${message}`,
      })),
    );
  }
  const parameters = read.data;
  if (parameters.limit !== undefined && parameters.pagesize !== undefined) {
    throw fail(
      'bad_request',
      'limit and pagesize exclude each other; use limit with after, or pagesize with page',
    );
  }
  if (parameters.after !== undefined && parameters.page !== undefined) {
    throw fail(
      'bad_request',
      'after and page exclude each other; use limit with after, or pagesize with page',
    );
  }
  return parameters;
}

async function everything<I extends Identity>(
  identity: I,
  call: Call,
  { recursive, propagated }: ListParameters,
  { store }: Pick<Deps, 'store'>,
): Promise<ObjectOf<I>[]> {
  const own = async (): Promise<ObjectOf<I>[]> => {
    if (!recursive) return everyIn(store, identity, call.namespace);
    const items: ObjectOf<I>[] = [];
    let page: Page<ObjectOf<I>>;
    let after: string | undefined;
    do {
      page = await store.listTree(identity, call.namespace, {
        limit: 1000,
        ...(after === undefined ? {} : { after }),
      });
      items.push(...page.items);
      after = page.next;
    } while (after !== undefined);
    return items;
  };
  const ancestors = propagated && propagates(identity) ? lineage(call.namespace).slice(0, -1) : [];
  const [mine, ...theirs] = await Promise.all([
    own(),
    ...ancestors.map(path => everyIn(store, identity, path)),
  ]);
  return [...mine, ...theirs.flat().filter(object => isInherited(object, call.namespace))];
}

/** API authorizations always propagate; other kinds where they have the flag. */
const propagates = (identity: Identity): boolean =>
  identity === 'apiauthorizationpolicy' || Object.hasOwn(resourceOf(identity).writable, 'propagate');

/** Whether an ancestor's object is shown in the namespace. */
const isInherited = (object: ObjectOf<Identity>, namespace: NamespacePath): boolean =>
  'authorizedNamespace' in object
    ? !object.propagationHidden && isWithin(namespace, object.authorizedNamespace)
    : 'propagate' in object && object.propagate;

function compare(a: unknown, b: unknown): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  const [left, right] = [String(a ?? ''), String(b ?? '')];
  return left < right ? -1 : left > right ? 1 : 0;
}

/** Sorted by the fields in turn, `-` for descending; the ID decides between equals, so that pages never overlap. */
const sorted = <T extends { ID: string }>(items: T[], order: readonly string[]): T[] =>
  items.sort((a, b) => {
    for (const entry of order) {
      const field = entry.replace(/^-/, '');
      const difference = compare(Reflect.get(a, field), Reflect.get(b, field));
      if (difference !== 0) return entry.startsWith('-') ? -difference : difference;
    }
    return compare(a.ID, b.ID);
  });

function orderOf(identity: Identity, order: readonly string[] | undefined): readonly string[] {
  const { stored, defaultOrder } = resourceOf(identity);
  for (const entry of order ?? []) {
    if (!Object.hasOwn(stored.shape, entry.replace(/^-/, ''))) {
      throw fail(
        'bad_request',
        `order is \`${entry}\`, which ${identity} does not have; use one of its attributes`,
      );
    }
  }
  return order ?? (defaultOrder === undefined ? [] : [defaultOrder]);
}

/** A page by number with the total, or, with `limit`, a page by cursor that reads only what it returns. */
export async function list<I extends Identity>(
  identity: I,
  call: Call,
  deps: Pick<Deps, 'store'>,
): Promise<Reply> {
  const parameters = listParameters(call);
  const { after, limit, recursive, propagated, page = 1, pagesize = 0, order } = parameters;
  if (limit !== undefined || after !== undefined) {
    if (order || propagated) {
      throw fail(
        'bad_request',
        'pages by cursor come in order of creation, without inherited objects; leave out order and propagated, or use page and pagesize',
      );
    }
    const query = { limit: limit ?? 100, ...(after === undefined ? {} : { after }) };
    const found = await (recursive
      ? deps.store.listTree(identity, call.namespace, query)
      : deps.store.list(identity, call.namespace, query));
    return { body: found.items, ...(found.next === undefined ? {} : { next: found.next }) };
  }
  const by = orderOf(identity, order);
  const all = sorted(await everything(identity, call, parameters, deps), by);
  const body = pagesize > 0 ? all.slice((page - 1) * pagesize, page * pagesize) : all;
  return { body, total: all.length };
}

export async function count<I extends Identity>(
  identity: I,
  call: Call,
  deps: Pick<Deps, 'store'>,
): Promise<Reply> {
  const all = await everything(identity, call, listParameters(call), deps);
  return { total: all.length };
}

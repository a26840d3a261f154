import type { ListParameters } from '../shared/api/routes.ts';
import type { Askable } from '../shared/core/filter/attribute.ts';
import { fail } from '../shared/schema/failure.ts';
import type { AnyResource } from '../shared/schema/resource.ts';
import type { Identity, ObjectOf } from '../shared/schema/resources.ts';

function compare(a: unknown, b: unknown): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  const [left, right] = [String(a ?? ''), String(b ?? '')];
  return left < right ? -1 : left > right ? 1 : 0;
}

/** Sorted by the fields in turn, `-` for descending; the ID decides between equals, so that pages never overlap. */
export const sorted = <T extends { ID: string }>(items: T[], order: readonly string[]): T[] =>
  items.sort((a, b) => {
    for (const entry of order) {
      const field = entry.replace(/^-/, '');
      const difference = compare(Reflect.get(a, field), Reflect.get(b, field));
      if (difference !== 0) return entry.startsWith('-') ? -difference : difference;
    }
    return compare(a.ID, b.ID);
  });

/** What a list is of: a resource, or what several of them share. */
export type Listed = Askable & Pick<AnyResource, 'defaultOrder'>;

export function orderOf(
  { identity, stored, defaultOrder }: Listed,
  order: readonly string[] | undefined,
): readonly string[] {
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

/** What sorts as the store does: an ID begins with the time of creation, and a tree is walked by path. */
const OWN_ORDER = { one: ['ID', 'createTime'], tree: ['namespace'] };

/** A cursor is a place in the order of the store: another order would need all objects for each page. */
export function refuseByCursor({ order = [], propagated, recursive }: ListParameters): void {
  if (propagated) {
    throw fail(
      'bad_request',
      'pages by cursor hold no inherited objects; leave out propagated, or use page and pagesize',
    );
  }
  const possible = OWN_ORDER[recursive ? 'tree' : 'one'];
  const [first, ...more] = order;
  if (first === undefined || (more.length === 0 && possible.includes(first))) return;
  throw fail(
    'bad_request',
    `pages by cursor take a single order, ${possible.join(' or ')}, and not \`${order.join(', ')}\`; leave it out, or use page and pagesize`,
  );
}

/** The order in which a store lists. */
export const byPlace = (a: ObjectOf<Identity>, b: ObjectOf<Identity>): number =>
  compare(a.namespace, b.namespace) || compare(a.ID, b.ID);

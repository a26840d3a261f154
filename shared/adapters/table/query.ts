import type { ListQuery, RefQuery } from '../../ports/object-store.ts';
import { fail } from '../../schema/failure.ts';
import { type NamespacePath, type ObjectId, ROOT, tenantOf } from '../../schema/ids.ts';
import type { Ref } from '../../schema/resource.ts';
import { type Identity, resourceOf } from '../../schema/resources.ts';
import { refPk, treeKey, treePrefix } from './keys.ts';

/** One partition's part of a list over an index. */
export interface Part {
  pk: string;
  prefix: string;
  after?: string;
}

const order = (path: NamespacePath): string => treePrefix(path);
const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/**
 * The ranges of index `tree` that hold what lives in a namespace and below, one behind the other. The root's tree is
 * its own partition and then that of each tenant; `tenants` is read for the root only.
 */
export function treeParts(
  resource: Identity,
  namespace: NamespacePath,
  tenants: readonly NamespacePath[],
  place: readonly [NamespacePath, ObjectId] | undefined,
): Part[] {
  const start = place && treeKey({ resource, namespace: place[0], id: place[1] });
  const part = (path: NamespacePath): Part => ({
    pk: treeKey({ resource, namespace: path, id: '' as ObjectId }).treePk,
    prefix: path === ROOT ? '/#' : treePrefix(path),
  });
  const parts =
    namespace === ROOT
      ? [ROOT, ...tenants.toSorted((a, b) => compare(order(a), order(b)))].map(part)
      : [part(namespace)];
  if (!start) return parts;
  return parts
    .filter(({ pk, prefix }) => pk === start.treePk || prefix > start.treeSk)
    .map(each => (each.pk === start.treePk ? { ...each, after: start.treeSk } : each));
}

/** The partition of index `ref` to look in. An unknown attribute or a namespace below a tenant is a caller's mistake. */
export function refPart(resource: Identity, tenant: NamespacePath, attribute: string, value: string): string {
  if (tenantOf(tenant) !== tenant)
    throw fail('bad_request', `\`${tenant}\` is no tenant; look in \`${tenantOf(tenant)}\``);
  return partitionOf(resource, tenant, { attribute, value });
}

/** The ranges of index `ref`, one for each of the values, that hold what lives in a namespace or, recursively, below it too. */
export function refParts(
  resource: Identity,
  namespace: NamespacePath,
  { refs, recursive }: Pick<RefQuery, 'refs' | 'recursive'>,
): { ref: Ref; pk: string; prefix: string }[] {
  const prefix = recursive ? treePrefix(namespace) : `${treePrefix(namespace)}#`;
  return refs.map(ref => ({ ref, pk: partitionOf(resource, tenantOf(namespace), ref), prefix }));
}

function partitionOf(resource: Identity, tenant: NamespacePath, { attribute, value }: Ref): string {
  const { refs: single = [], elementRefs = [], foundBy = {} } = resourceOf(resource);
  const refs = [...single, ...elementRefs, ...Object.keys(foundBy)];
  if (attribute !== 'ID' && !refs.includes(attribute))
    throw fail(
      'bad_request',
      `a ${resource} cannot be found by ${attribute}; use one of ID, ${refs.join(', ')}`,
    );
  return refPk(tenant, resource, attribute, value);
}

export function limitOf({ limit }: ListQuery): number {
  if (Number.isInteger(limit) && limit >= 1) return limit;
  throw fail('bad_request', `\`${limit}\` objects a page; ask for at least 1`, {
    attribute: 'limit',
    value: limit,
  });
}

import type { Activity, Key, Stored } from '../../ports/object-store.ts';
import { fail } from '../../schema/failure.ts';
import { LONGEST_PATH, type NamespacePath, type ObjectId, ROOT, tenantOf } from '../../schema/ids.ts';
import { elementsOf, type Ref } from '../../schema/resource.ts';
import { type Identity, resourceOf } from '../../schema/resources.ts';
import { STREAM } from '../../schema/table.ts';

/**
 * Every item and every access pattern of the one table. DynamoDB and SQLite are given the same keys.
 *
 * | item                  | pk                                   | sk                                     | index                          |
 * |-----------------------|--------------------------------------|----------------------------------------|--------------------------------|
 * | object                | `<namespace>`                        | `<resource>#<id>`                      | tree, ref (by ID), due         |
 * | guard of a name       | `<namespace>`                        | `unique#<resource>#<name>`             | none; holds the object too     |
 * | pointer of a ref      | `<namespace>`                        | `ref#<resource>#<attribute>#<id>`      | ref; holds no object           |
 * | sum of objects        | `<namespace>`                        | `sum#<resource>`                       | none; of resources with `summed` |
 * | activity              | `activity#<namespace>`               | `<date>#<id>`                          | none; expires, see `activityDays` |
 * | one-use token         | `once#<tenant>#<key>`                | `-`                                    | none; expires                  |
 * | counter               | `count#<tenant>#<key>`               | `-`                                    | none; expires                  |
 * | answer to a key       | `idem#<tenant>#<key>`                | `-`                                    | none; expires                  |
 * | publication           | `publication#<tenant>`               | `<namespace id>`                       | none                           |
 * | listener's connection | `connection#<tenant>`                | `<connection id>`                      | tree, ref; expires. On AWS only, see connection-keys.ts |
 * | its tenant            | `connection#id#<connection id>`      | `-`                                    | none; expires                  |
 *
 * | question                             | answered by                                                      | consistent |
 * |--------------------------------------|------------------------------------------------------------------|------------|
 * | one object by key                    | GetItem object                                                   | yes        |
 * | one object by its unique name        | GetItem guard                                                    | yes        |
 * | objects of one namespace             | Query pk, sk begins with `<resource>#`                           | yes        |
 * | all of one namespace, `summed`       | GetItem sum; the Query before where it changed                   | yes        |
 * | objects of a namespace and below     | Query tree: `<tenant>#<resource>`, sk begins with `<namespace>/` | no         |
 * | … of the root and below              | Query guards of namespaces in `/`, then tree tenant by tenant    | no         |
 * | objects of a tenant by ID            | Query ref: `<tenant>#<resource>.ID#<id>`, BatchGet               | finding: no, found: yes |
 * | objects of a tenant by an attribute  | Query ref: `<tenant>#<resource>.<attribute>#<value>`, BatchGet   | finding: no, found: yes |
 * | … in a namespace, or below it too    | Query ref for each value, sk begins with `<namespace>/`, BatchGet | finding: no, found: yes |
 * | where objects are that are due       | Query due for each last digit of an ID, sk before the moment     | no         |
 * | activity of a namespace, newest first | Query pk backwards                                              | yes        |
 * | may objects be made in a namespace   | condition on the guard of its path in its parent                 | yes        |
 * | what was answered to a key           | GetItem answer                                                   | yes        |
 * | what is there to publish             | Query publications of a tenant                                   | yes        |
 * | who listens in a tenant              | Query connections of a tenant                                    | yes        |
 * | who listens at all                   | Query tree: `connections`                                        | no         |
 * | how many connections one caller has  | Query ref: `connection#<tenant>#<digest of the caller>`, COUNT   | no         |
 * | one connection by its ID             | GetItem its tenant, GetItem connection                           | yes        |
 */
export interface ItemKey {
  pk: string;
  sk: string;
}

const fitting = (path: NamespacePath): NamespacePath => {
  if (path.length <= LONGEST_PATH) return path;
  throw fail(
    'too_large',
    `namespace path \`${path.slice(0, 40)}…\` is ${path.length} bytes long; the store takes ${LONGEST_PATH}`,
    { attribute: 'namespace' },
  );
};

export const objectKey = ({ resource, namespace, id }: Key): ItemKey => ({
  pk: fitting(namespace),
  sk: `${STREAM.ofResource(resource)}${id}`,
});

/** Range of `sk` that holds a namespace's objects of one resource. */
export const objectsPrefix = (resource: Identity): string => STREAM.ofResource(resource);

export const guardKey = (resource: Identity, namespace: NamespacePath, name: string): ItemKey => ({
  pk: fitting(namespace),
  sk: `${guardsPrefix(resource)}${name}`,
});

export const guardsPrefix = (resource: Identity): string => `unique#${resource}#`;

export const sumKey = (resource: Identity, namespace: NamespacePath): ItemKey => ({
  pk: fitting(namespace),
  sk: `sum#${resource}`,
});

/** `element`: of the value of a list that the pointer is for; an attribute of one value has one pointer. */
export const pointerKey = (key: Key, attribute: string, element?: string): ItemKey => ({
  pk: fitting(key.namespace),
  sk: `ref#${key.resource}#${attribute}#${key.id}${element === undefined ? '' : `#${element}`}`,
});

/** The object that a pointer stands for: `ref#enforcer#machineID#<id>` → `enforcer#<id>`. */
export const pointedAt = ({ pk, sk }: ItemKey): ItemKey => {
  const [, resource, , id] = sk.split('#');
  return { pk, sk: `${resource}#${id}` };
};

/** The path with a slash behind it, so that everything below a namespace is one range and siblings are not in it. */
export const treePrefix = (namespace: NamespacePath): string => (namespace === ROOT ? '/' : `${namespace}/`);

export const treeKey = ({ resource, namespace, id }: Key): { treePk: string; treeSk: string } => ({
  treePk: `${tenantOf(namespace)}#${resource}`,
  treeSk: `${treePrefix(fitting(namespace))}#${id}`,
});

export const refPk = (tenant: NamespacePath, resource: Identity, attribute: string, value: string): string =>
  `${tenant}#${resource}.${attribute}#${value}`;

export const refKey = (key: Key, attribute: string, value: string): { refPk: string; refSk: string } => ({
  refPk: refPk(tenantOf(key.namespace), key.resource, attribute, value),
  refSk: treeKey(key).treeSk,
});

/** Partitions of index `due` of a resource, of all tenants together: who writes is spread over them. */
export const duePartitions = (resource: Identity): string[] =>
  [...'0123456789abcdef'].map(digit => `${resource}#${digit}`);

/** Absent where nobody has to look at the object. */
export const dueKey = (resource: Identity, object: Stored): { duePk?: string; dueSk?: string } => {
  const at = resourceOf(resource).due?.(object);
  return at === undefined ? {} : { duePk: `${resource}#${object.ID.slice(-1)}`, dueSk: `${at}#${object.ID}` };
};

/** The object that an item of index `due` is. */
export const dueAt = <I extends Identity>(resource: I, { pk, sk }: ItemKey): Key<I> => ({
  resource,
  namespace: pk as NamespacePath,
  id: sk.slice(objectsPrefix(resource).length) as ObjectId,
});

export const activityKey = ({
  namespace,
  date,
  id,
}: Pick<Activity, 'namespace' | 'date' | 'id'>): ItemKey => ({
  pk: activityPk(namespace),
  sk: `${date}#${id}`,
});

export const activityPk = (namespace: NamespacePath): string => `activity#${fitting(namespace)}`;

export const onceKey = (tenant: NamespacePath, key: string): ItemKey => ({
  pk: `once#${tenant}#${key}`,
  sk: '-',
});

export const countKey = (tenant: NamespacePath, key: string): ItemKey => ({
  pk: `count#${tenant}#${key}`,
  sk: '-',
});

export const answerKey = (tenant: NamespacePath, key: string): ItemKey => ({
  pk: `idem#${tenant}#${key}`,
  sk: '-',
});

export const publicationKey = (tenant: NamespacePath, namespaceID: ObjectId): ItemKey => ({
  pk: publicationsPk(tenant),
  sk: namespaceID,
});

export const publicationsPk = (tenant: NamespacePath): string => `${STREAM.publication}${tenant}`;

/** The resource's unique attribute and its value; undefined when the resource has none. */
export const uniqueOf = (
  resource: Identity,
  object: Stored,
): { attribute: string; value: string } | undefined => {
  const { unique } = resourceOf(resource);
  return unique === undefined ? undefined : { attribute: unique, value: String(attributeOf(object, unique)) };
};

/** Attributes by which the object can be found beside its ID. An empty value is not indexed. */
export const refsOf = (resource: Identity, object: Stored): Ref[] =>
  (resourceOf(resource).refs ?? []).map(attribute => ({
    attribute,
    value: String(attributeOf(object, attribute) ?? ''),
  }));

/** Elements of lists, and what follows from it, by which the object can be found, each once. */
export const elementRefsOf = (resource: Identity, object: Stored): Ref[] =>
  elementsOf(resourceOf(resource), object);

export const hasRef = (resource: Identity, object: Stored, attribute: string, value: string): boolean =>
  [...refsOf(resource, object), ...elementRefsOf(resource, object)].some(
    ref => ref.attribute === attribute && ref.value === value,
  );

const attributeOf = (object: Stored, attribute: string): unknown => Reflect.get(object, attribute);

import { LINTED, type LintedIdentity, legacyExport, lint, type Objects } from '../../shared/core/lint.ts';
import type { ObjectStore } from '../../shared/ports/object-store.ts';
import { lineage, NamespacePath } from '../../shared/schema/ids.ts';
import type { Namespace } from '../../shared/schema/namespace.ts';
import type { Identity, ObjectOf } from '../../shared/schema/resources.ts';
import type { Handler } from '../call.ts';

/** Objects of a namespace, or of all below it too. */
async function every<I extends Identity>(
  store: ObjectStore,
  identity: I,
  namespace: NamespacePath,
  recursive: boolean,
): Promise<ObjectOf<I>[]> {
  const items: ObjectOf<I>[] = [];
  let after: string | undefined;
  do {
    const query = { limit: 1000, ...(after === undefined ? {} : { after }) };
    const page = await (recursive
      ? store.listTree(identity, namespace, query)
      : store.list(identity, namespace, query));
    items.push(...page.items);
    after = page.next;
  } while (after !== undefined);
  return items;
}

/** Objects by kind and namespace. */
type Read = Map<LintedIdentity, Map<NamespacePath, ObjectOf<LintedIdentity>[]>>;

const read = async (
  store: ObjectStore,
  kinds: readonly LintedIdentity[],
  namespace: NamespacePath,
  recursive: boolean,
): Promise<Read> =>
  new Map(
    await Promise.all(
      kinds.map(
        async (identity): Promise<[LintedIdentity, Map<NamespacePath, ObjectOf<LintedIdentity>[]>]> => {
          const objects: ObjectOf<LintedIdentity>[] = await every(store, identity, namespace, recursive);
          return [identity, Map.groupBy(objects, object => object.namespace)];
        },
      ),
    ),
  );

const objectsIn =
  (all: Read, path: NamespacePath): Objects =>
  <I extends LintedIdentity>(identity: I) =>
    (all.get(identity)?.get(path) ?? []) as ObjectOf<I>[];

/** What is needed of namespaces above: legacy policies may propagate from there. */
const ABOVE = ['externalnetwork', 'networkaccesspolicy'] as const;

/** Consistent with nothing in particular: what is found is for people to look at, and each fix is checked anew. */
export const lintNamespace: Handler = async (call, { store }) => {
  const recursive = call.query.recursive !== undefined;
  const { namespace } = call;
  const upwards = lineage(namespace).slice(0, -1);
  const [here, below, above] = await Promise.all([
    read(store, LINTED, namespace, recursive),
    recursive ? every(store, 'namespace', namespace, true) : [],
    Promise.all(upwards.map(async path => objectsIn(await read(store, ABOVE, path, false), path))),
  ]);
  const known = new Map<string, Namespace>([...call.lineage, ...below].map(one => [one.name, one]));
  const legacy = new Map(upwards.map((path, index) => [path, above[index]]));
  const paths = [...new Set([namespace, ...below.map(({ name }) => NamespacePath.parse(name))])].sort();
  const findings = paths.flatMap(path => {
    const line = lineage(path);
    return lint({
      namespace: path,
      chain: line.flatMap(one => known.get(one) ?? []),
      objects: objectsIn(here, path),
      ancestors: line.slice(0, -1).map(one => legacyExport(legacy.get(one) ?? objectsIn(here, one))),
    });
  });
  return { body: findings, total: findings.length };
};

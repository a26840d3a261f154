import { peerScopes } from '../shared/core/compile.ts';
import { mappedPath } from '../shared/core/mapping.ts';
import { type PolicyIdentity, PolicyView } from '../shared/core/view.ts';
import type { ObjectStore } from '../shared/ports/object-store.ts';
import { isWithin, lineage, type NamespacePath, parentPath, ROOT, tenantOf } from '../shared/schema/ids.ts';
import type { ProcessingUnit } from '../shared/schema/processingunit.ts';
import { everyIn } from './pipeline/authorize.ts';

/** What a namespace contributes to the bundles of namespaces below it, and to its own. */
const POLICY = [
  'networkrulesetpolicy',
  'externalnetwork',
  'enforcerprofile',
  'enforcerprofilemappingpolicy',
  'namespacemappingpolicy',
] as const satisfies readonly PolicyIdentity[];

/** Namespaces walked at once when processing units of a whole subtree are read. */
const PARALLEL = 16;

/** The reading of one view: each namespace's objects once, whatever asks for them. */
class Reading {
  readonly view = new PolicyView();
  readonly #store: ObjectStore;
  readonly #policy = new Set<NamespacePath>();
  readonly #peers = new Set<NamespacePath>();

  constructor(store: ObjectStore) {
    this.#store = store;
  }

  async #put(identity: PolicyIdentity, namespace: NamespacePath): Promise<void> {
    for (const object of await everyIn(this.#store, identity, namespace)) this.view.put(identity, object);
  }

  /** The namespace and its ancestors, each with the policy that lives there. */
  async policyOf(namespace: NamespacePath, identities: readonly PolicyIdentity[] = POLICY): Promise<void> {
    const missing = lineage(namespace).filter(path => !this.#policy.has(path));
    for (const path of missing) this.#policy.add(path);
    await Promise.all(
      missing.flatMap(path => [
        this.#namespace(path),
        ...identities.map(identity => this.#put(identity, path)),
      ]),
    );
  }

  async #namespace(path: NamespacePath): Promise<void> {
    if (path === ROOT) return;
    const own = await this.#store.getByName('namespace', parentPath(path), path);
    if (own) this.view.put('namespace', own);
  }

  /** Processing units of a namespace, with the namespaces above it, which decide what is on their wire. */
  async peersOf(namespace: NamespacePath, recursive: boolean): Promise<void> {
    let edge = [namespace];
    await this.#ancestorsOf(namespace);
    while (edge.length > 0) {
      const batch = edge.slice(0, PARALLEL);
      edge = edge.slice(PARALLEL);
      const children = await Promise.all(batch.map(path => this.#visit(path, recursive)));
      edge.push(...children.flat());
    }
  }

  async #ancestorsOf(namespace: NamespacePath): Promise<void> {
    await Promise.all(lineage(namespace).map(path => this.#namespace(path)));
  }

  /** Single processing units, which were read elsewhere. */
  async these(units: readonly ProcessingUnit[]): Promise<void> {
    const homes = new Set(units.map(({ namespace }) => namespace));
    await Promise.all([...homes].map(home => this.#ancestorsOf(home)));
    for (const unit of units) this.view.put('processingunit', unit);
  }

  async #visit(path: NamespacePath, recursive: boolean): Promise<NamespacePath[]> {
    if (!this.#peers.has(path)) {
      this.#peers.add(path);
      await this.#put('processingunit', path);
    }
    if (!recursive) return [];
    const children = await everyIn(this.#store, 'namespace', path);
    for (const child of children) this.view.put('namespace', child);
    return children.map(child => child.name as NamespacePath);
  }

  enforcersOf(namespace: NamespacePath): Promise<void> {
    return this.#put('enforcer', namespace);
  }
}

/** Targets of the namespace's mappings, of theirs, and so on: only downwards, so it ends. */
async function mappedNamespaces(reading: Reading, namespace: NamespacePath): Promise<void> {
  let edge = [namespace];
  const seen = new Set(edge);
  while (edge.length > 0) {
    await Promise.all(edge.map(path => reading.policyOf(path)));
    edge = edge
      .flatMap(path => reading.view.namespaceMappings.livingIn(path).map(({ object }) => mappedPath(object)))
      .filter(
        path => path !== undefined && path !== namespace && isWithin(path, namespace) && !seen.has(path),
      )
      .filter(path => path !== undefined);
    for (const path of edge) seen.add(path);
  }
}

/**
 * Reads what the bundle of a namespace is compiled from, and no more: consistent reads only, so that what is
 * published is never older than the change that called for it.
 */
export async function loadView(store: ObjectStore, namespace: NamespacePath): Promise<PolicyView> {
  const reading = new Reading(store);
  await Promise.all([mappedNamespaces(reading, namespace), reading.enforcersOf(namespace)]);
  for (const scope of peerScopes(reading.view, namespace)) {
    if (isWithin(scope.namespace, tenantOf(namespace)))
      await reading.peersOf(scope.namespace, scope.recursive);
  }
  return reading.view;
}

/**
 * Reads what decides in one namespace about some processing units, and no more: what its rules and external networks are,
 * not who else they name nor where mappings lead. One parallel batch.
 */
export async function loadPolicy(
  store: ObjectStore,
  namespace: NamespacePath,
  units: readonly ProcessingUnit[],
): Promise<PolicyView> {
  const reading = new Reading(store);
  await Promise.all([
    reading.policyOf(namespace, ['networkrulesetpolicy', 'externalnetwork']),
    reading.these(units),
  ]);
  return reading.view;
}

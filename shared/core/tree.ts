import { fail } from '../schema/failure.ts';
import { type NamespacePath, type ObjectId, parentPath, ROOT } from '../schema/ids.ts';
import type { Namespace } from '../schema/namespace.ts';
import { type EffectiveNamespace, inherit, ROOT_VALUES } from './namespace.ts';

/** The namespaces themselves, by path and by ID, with the values that count in each. */
export class NamespaceTree {
  readonly #byPath = new Map<NamespacePath, Namespace>();
  readonly #byID = new Map<ObjectId, Namespace>();
  #effective = new Map<NamespacePath, EffectiveNamespace>();

  get size(): number {
    return this.#byPath.size;
  }

  put(object: Namespace): void {
    this.remove(object.ID);
    this.#byID.set(object.ID, object);
    this.#byPath.set(object.name as NamespacePath, object);
    if (this.#effective.size > 0) this.#effective = new Map();
  }

  /** Fine when there is none. */
  remove(id: ObjectId): void {
    const known = this.#byID.get(id);
    if (!known) return;
    this.#byID.delete(id);
    const path = known.name as NamespacePath;
    // Another may have taken its path since.
    if (this.#byPath.get(path) === known) this.#byPath.delete(path);
    if (this.#effective.size > 0) this.#effective = new Map();
  }

  get(id: ObjectId): Namespace | undefined {
    return this.#byID.get(id);
  }

  at(path: NamespacePath): Namespace | undefined {
    return this.#byPath.get(path);
  }

  /** Every namespace, in no order. */
  values(): IterableIterator<Namespace> {
    return this.#byPath.values();
  }

  /**
   * The values that count in a namespace. The same object as long as no namespace changes.
   * An ancestor that is not in the tree has no values of its own. Fails with `not_found` when the namespace is not.
   */
  effective(path: NamespacePath): EffectiveNamespace {
    const known = this.#effective.get(path);
    if (known) return known;
    const own = this.#byPath.get(path);
    if (!own && path !== ROOT)
      throw fail('not_found', `no namespace \`${path}\`; create it, or correct the path`);
    return this.inherited(path);
  }

  /** The same for any path, whether or not there is such a namespace. */
  inherited(path: NamespacePath): EffectiveNamespace {
    const known = this.#effective.get(path);
    if (known) return known;
    const own = this.#byPath.get(path);
    const above = path === ROOT ? ROOT_VALUES : this.inherited(parentPath(path));
    const values = own ? inherit(above, own) : above;
    this.#effective.set(path, values);
    return values;
  }
}

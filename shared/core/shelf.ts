import type { NamespacePath, ObjectId } from '../schema/ids.ts';

/** What a shelf needs to know of its objects. */
export interface Shelved {
  ID: ObjectId;
  namespace: NamespacePath;
  propagate?: boolean;
  disabled?: boolean;
  archived?: boolean;
}

/** An object, and what was last derived from it by whoever needed it. */
export interface Held<T, D> {
  readonly object: T;
  derived: D | undefined;
}

export const byID = (a: { object: Shelved }, b: { object: Shelved }): number =>
  a.object.ID < b.object.ID ? -1 : a.object.ID > b.object.ID ? 1 : 0;

/** Sorted by ID, each once. What comes in order, as from one namespace, is left as it is. */
export function inOrder<H extends { object: Shelved }>(list: readonly H[]): readonly H[] {
  for (let at = 1; at < list.length; at++) {
    const [before, here] = [list[at - 1], list[at]];
    if (before && here && before.object.ID >= here.object.ID) return [...new Set(list)].sort(byID);
  }
  return list;
}

const NONE: readonly never[] = [];

/** The objects of one resource, by ID and by the namespace that they live in. */
export class Shelf<T extends Shelved, D = string> {
  readonly #byID = new Map<ObjectId, Held<T, D>>();
  /** Active ones, neither disabled nor archived, that count only where they live. */
  readonly #here = new Map<NamespacePath, Held<T, D>[]>();
  /** Active ones that count where they live and below. */
  readonly #below = new Map<NamespacePath, Held<T, D>[]>();

  get size(): number {
    return this.#byID.size;
  }

  get(id: ObjectId): T | undefined {
    return this.#byID.get(id)?.object;
  }

  /** Every object, disabled ones too, in no order. */
  *values(): Generator<T> {
    for (const { object } of this.#byID.values()) yield object;
  }

  /** Every active object, in no order. */
  *active(): Generator<Held<T, D>> {
    for (const side of [this.#here, this.#below]) for (const list of side.values()) yield* list;
  }

  put(object: T): void {
    if (this.#byID.has(object.ID)) this.remove(object.ID);
    const held: Held<T, D> = { object, derived: undefined };
    this.#byID.set(object.ID, held);
    if (object.disabled === true || object.archived === true) return;
    const side = this.#side(object);
    const list = side.get(object.namespace);
    if (list) list.push(held);
    else side.set(object.namespace, [held]);
    this.added(held);
  }

  /** Fine when there is none. */
  remove(id: ObjectId): void {
    const held = this.#byID.get(id);
    if (!held) return;
    this.#byID.delete(id);
    const list = this.#side(held.object).get(held.object.namespace);
    const at = list?.indexOf(held) ?? -1;
    if (at < 0) return;
    list?.splice(at, 1);
    this.removed(held);
  }

  /** Active objects that live in the namespace. */
  livingIn(path: NamespacePath): readonly Held<T, D>[] {
    if (this.#byID.size === 0) return NONE;
    const here = this.#here.get(path) ?? NONE;
    const below = this.#below.get(path) ?? NONE;
    return below.length === 0 ? here : here.length === 0 ? below : [...here, ...below];
  }

  /** Active objects that apply at the end of the lineage: its own, and what its ancestors propagate. In no order. */
  applyingIn(lineage: readonly NamespacePath[]): readonly Held<T, D>[] {
    if (this.#byID.size === 0) return NONE;
    const path = lineage.at(-1);
    let found: readonly Held<T, D>[] = (path && this.#here.get(path)) ?? NONE;
    for (const ancestor of lineage) {
      const more = this.#below.get(ancestor);
      if (more && more.length > 0) found = found.length === 0 ? more : [...found, ...more];
    }
    return found;
  }

  /** Active objects that apply at the end of at least one lineage, each once, sorted by ID. */
  applyingInAny(lineages: readonly (readonly NamespacePath[])[]): readonly Held<T, D>[] {
    const [only] = lineages;
    return inOrder(
      only && lineages.length === 1 ? this.applyingIn(only) : lineages.flatMap(one => this.applyingIn(one)),
    );
  }

  #side({ propagate }: T): Map<NamespacePath, Held<T, D>[]> {
    return propagate === true ? this.#below : this.#here;
  }

  /** For shelves with further indexes. */
  protected added(_held: Held<T, D>): void {}
  protected removed(_held: Held<T, D>): void {}
}

import type { NamespacePath } from '../schema/ids.ts';
import type { ProcessingUnit } from '../schema/processingunit.ts';
import type { Tag } from '../schema/tag.ts';
import type { EffectiveNamespace } from './namespace.ts';
import { Postings } from './postings.ts';
import { type Held, Shelf } from './shelf.ts';
import { isWildcard } from './tags.ts';

/** A processing unit's entry in peers.json, and the namespace values that it was made under. */
export interface Wire {
  under: EffectiveNamespace;
  /** Kept only when it is asked for again: most units are named by the bundle of their own namespace alone. */
  json: string | undefined;
}

export type HeldUnit = Held<ProcessingUnit, Wire>;

const tagsOf = (held: HeldUnit): readonly Tag[] => held.object.normalizedTags;

const NAMESPACE = '$namespace=';
/** Up to so many units are looked at one by one. */
const FEW = 32;

/**
 * The namespace outside of which the clause selects nothing. A unit carries `$namespace=` of the namespace that it
 * lives in, and no other: the system computes that tag.
 */
export function namedNamespace(clause: readonly Tag[]): NamespacePath | undefined {
  for (const tag of clause)
    if (tag.startsWith(NAMESPACE) && !isWildcard(tag)) return tag.slice(NAMESPACE.length) as NamespacePath;
  return undefined;
}

/**
 * Processing units, found by their tags as well. The indexes are made when they are first asked for: one for each
 * namespace that a clause names, which is what most clauses do, and one for all the rest.
 */
export class ProcessingUnits extends Shelf<ProcessingUnit, Wire> {
  readonly #local = new Map<NamespacePath, Postings<HeldUnit>>();
  readonly #global = new Postings<HeldUnit>(() => this.active(), tagsOf);

  /** All units that a clause can select, and maybe more, or one twice; by all of their tags, whatever counts. */
  candidates(clause: readonly Tag[]): readonly HeldUnit[] {
    const named = namedNamespace(clause);
    if (named !== undefined) return this.#livingIn(named, clause);
    return this.#global.candidates(clause);
  }

  #livingIn(path: NamespacePath, clause: readonly Tag[]): readonly HeldUnit[] {
    const units = this.livingIn(path);
    if (units.length <= FEW || clause.length === 1) return units;
    let index = this.#local.get(path);
    if (!index) {
      index = new Postings(() => this.livingIn(path), tagsOf);
      this.#local.set(path, index);
    }
    return index.candidates(clause.filter(tag => !tag.startsWith(NAMESPACE) || isWildcard(tag)));
  }

  protected override added(held: HeldUnit): void {
    this.#global.add(held);
    if (this.#local.size > 0) this.#local.get(held.object.namespace)?.add(held);
  }

  protected override removed(held: HeldUnit): void {
    this.#global.remove(held);
    this.#local.get(held.object.namespace)?.remove(held);
  }
}

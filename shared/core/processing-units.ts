import type { ProcessingUnit } from '../schema/processingunit.ts';
import type { Tag } from '../schema/tag.ts';
import type { EffectiveNamespace } from './namespace.ts';
import { Postings } from './postings.ts';
import { type Held, Shelf } from './shelf.ts';

/** What a payload says of a processing unit, and the namespace values that it was made under. */
export interface Wire {
  under: EffectiveNamespace;
  tags: readonly Tag[];
  /** Its entry in peers.json. */
  json: string;
}

export type HeldUnit = Held<ProcessingUnit, Wire>;

/** Processing units, found by their tags as well. */
export class ProcessingUnits extends Shelf<ProcessingUnit, Wire> {
  readonly #postings = new Postings<HeldUnit>();

  /** All units that a clause can select, and maybe more; by all of their tags, whatever counts. */
  candidates(clause: readonly Tag[]): readonly HeldUnit[] {
    return this.#postings.candidates(clause);
  }

  protected override added(held: HeldUnit): void {
    this.#postings.add(held.object.normalizedTags, held);
  }

  protected override removed(held: HeldUnit): void {
    this.#postings.remove(held.object.normalizedTags, held);
  }
}

import type { Meaning } from '../data-plane.ts';
import type { Meanings } from '../policy/model.ts';

/** Meanings of ends that are gone but whose records may still be on their way. */
const KEPT = 50_000;

/** What ends mean, of the active policy and of some before it. */
export class Meant {
  /** The newest first. */
  #meanings: readonly Meanings[] = [];

  learn(meanings: Meanings): void {
    const kept: Meanings[] = [];
    let size = 0;
    for (const one of this.#meanings) {
      if (one === meanings || size >= KEPT) continue;
      kept.push(one);
      size += one.size;
    }
    this.#meanings = [meanings, ...kept];
  }

  get(id: string): Meaning | undefined {
    for (const meanings of this.#meanings) {
      const found = meanings.get(id);
      if (found) return found;
    }
    return undefined;
  }
}

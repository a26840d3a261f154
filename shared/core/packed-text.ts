import { packed, unpacked } from './packed.ts';

/** Characters of texts that are packed together: each by itself would take more time, and more room. */
const ENOUGH = 65_536;
/** No text has it. */
const BETWEEN = '\0';

/** Texts as they are until there are enough of them, then packed to a tenth. */
class Pile {
  /** The one that takes what comes next. */
  static open = new Pile();
  /** What was asked for last: whoever wants all texts wants them in order. */
  static #lately: { pile: Pile; texts: readonly string[] } | undefined;
  #texts: readonly string[] = [];
  #size = 0;
  #packed: Uint8Array | undefined;

  /** Its place. */
  add(text: string): number {
    const texts = this.#texts as string[];
    const place = texts.push(text) - 1;
    this.#size += text.length;
    if (this.#size >= ENOUGH) {
      this.#packed = packed(Buffer.from(texts.join(BETWEEN)));
      this.#texts = [];
      Pile.open = new Pile();
    }
    return place;
  }

  at(place: number): string {
    return this.#all()[place] ?? '';
  }

  #all(): readonly string[] {
    if (!this.#packed) return this.#texts;
    if (Pile.#lately?.pile !== this)
      Pile.#lately = { pile: this, texts: unpacked(this.#packed).toString().split(BETWEEN) };
    return Pile.#lately.texts;
  }
}

/** A text that is seldom asked for, packed together with those that came before and after it. */
export class PackedText {
  readonly #pile = Pile.open;
  readonly #place: number;

  constructor(text: string) {
    this.#place = this.#pile.add(text);
  }

  get text(): string {
    return this.#pile.at(this.#place);
  }
}

import { packed, unpacked } from './packed.ts';

/** Bytes of texts that are packed together: each by itself would take more time, and more room. */
const ENOUGH = 65_536;
/** Piles that wait to be packed, at most: 16 MB. */
const WAITING = 256;

/** Texts one behind the other, outside of the heap; packed to a tenth when there are enough of them and it is time. */
class Pile {
  /** The one that takes what comes next. */
  static open = new Pile();
  static readonly #waiting: Pile[] = [];
  /** What was asked for last: whoever wants all texts wants them in order. */
  static #lately: { pile: Pile; bytes: Buffer } | undefined;
  /** Where each text ends. */
  readonly #ends: number[] = [];
  /** Undefined once they are packed. */
  #bytes: Buffer | undefined = Buffer.allocUnsafeSlow(ENOUGH);
  #packed: Uint8Array | undefined;

  get #size(): number {
    return this.#ends.at(-1) ?? 0;
  }

  /** Undefined where there is no room for it. */
  add(text: string): number | undefined {
    const bytes = this.#bytes;
    const size = Buffer.byteLength(text);
    if (!bytes || this.#size + size > bytes.length) return undefined;
    this.#ends.push(this.#size + bytes.write(text, this.#size));
    return this.#ends.length - 1;
  }

  /** The next one, with room for so many bytes. */
  static begin(size: number): void {
    Pile.#waiting.push(Pile.open);
    if (Pile.#waiting.length > WAITING) Pile.#packAll(Pile.#waiting.splice(0, 1));
    Pile.open = new Pile();
    if (size > ENOUGH) Pile.open.#bytes = Buffer.allocUnsafeSlow(size);
  }

  static pack(): void {
    Pile.#packAll(Pile.#waiting.splice(0));
  }

  static #packAll(piles: readonly Pile[]): void {
    for (const pile of piles) {
      if (pile.#bytes) pile.#packed = packed(pile.#bytes.subarray(0, pile.#size));
      pile.#bytes = undefined;
    }
  }

  at(place: number): string {
    return this.#all().toString('utf8', this.#ends[place - 1] ?? 0, this.#ends[place]);
  }

  #all(): Buffer {
    if (this.#bytes) return this.#bytes;
    if (Pile.#lately?.pile !== this)
      Pile.#lately = { pile: this, bytes: unpacked(this.#packed ?? Buffer.alloc(0)) };
    return Pile.#lately.bytes;
  }
}

/** Packs what came since. It takes its time, which work that somebody waits for need not. */
export const packTexts = (): void => Pile.pack();

/** A text that is seldom asked for, packed together with those that came before and after it. */
export class PackedText {
  readonly #pile: Pile;
  readonly #place: number;

  constructor(text: string) {
    let place = Pile.open.add(text);
    if (place === undefined) {
      Pile.begin(Buffer.byteLength(text));
      place = Pile.open.add(text);
    }
    if (place === undefined) throw new RangeError('a text has no place in a pile that was made for it');
    this.#pile = Pile.open;
    this.#place = place;
  }

  get text(): string {
    return this.#pile.at(this.#place);
  }
}

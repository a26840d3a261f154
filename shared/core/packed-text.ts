import { PackedBytes } from './packed.ts';

/** Bytes of texts that are packed together: each by itself would take more time, and more room. */
const ENOUGH = 65_536;

/** Texts one behind the other, outside of the heap; packed to a tenth when there are enough of them and it is time. */
class Pile {
  /** The one that takes what comes next. */
  static open = new Pile();
  /** What was asked for last: whoever wants all texts wants them in order. */
  static #lately: { pile: Pile; bytes: Buffer } | undefined;
  /** Where each text ends. */
  readonly #ends: number[] = [];
  #bytes: Buffer | PackedBytes;

  /** With room for so many bytes. */
  constructor(size = 0) {
    this.#bytes = Buffer.allocUnsafeSlow(Math.max(size, ENOUGH));
  }

  get #size(): number {
    return this.#ends.at(-1) ?? 0;
  }

  /** Undefined where there is no room for it. */
  add(text: string): number | undefined {
    const bytes = this.#bytes;
    const size = Buffer.byteLength(text);
    if (bytes instanceof PackedBytes || this.#size + size > bytes.length) return undefined;
    this.#ends.push(this.#size + bytes.write(text, this.#size));
    return this.#ends.length - 1;
  }

  /** The next one, with room for so many bytes. */
  static begin(size: number): void {
    Pile.open.#close();
    Pile.open = new Pile(size);
  }

  #close(): void {
    if (Buffer.isBuffer(this.#bytes)) this.#bytes = new PackedBytes(this.#bytes.subarray(0, this.#size));
  }

  at(place: number): string {
    return this.#all().toString('utf8', this.#ends[place - 1] ?? 0, this.#ends[place]);
  }

  #all(): Buffer {
    if (Buffer.isBuffer(this.#bytes)) return this.#bytes;
    if (Pile.#lately?.pile !== this) Pile.#lately = { pile: this, bytes: this.#bytes.bytes };
    return Pile.#lately.bytes;
  }
}

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

import { createHash } from 'node:crypto';

const PLACES = 2 ** 32;

/**
 * Numbers for verdicts, so that maps of peers hold numbers: the kernel walks through everything that verdicts in a map
 * lead to whenever one of them changes, but never through numbers. Written as nft writes traffic classes, which is the
 * type of the packet's priority that carries the number to the next look-up. A verdict keeps its number for good.
 */
export class Classes {
  readonly #numbers = new Map<string, string>();
  readonly #taken = new Set<string>();

  of(verdict: string): string {
    const known = this.#numbers.get(verdict);
    if (known) return known;
    let number = createHash('sha256').update(verdict).digest().readUInt32BE(0);
    while (isNamed(number) || this.#taken.has(textOf(number))) number = (number + 1) % PLACES;
    const text = textOf(number);
    this.#numbers.set(verdict, text);
    this.#taken.add(text);
    return text;
  }
}

/** `none` and `root`, which nft writes by name. */
const isNamed = (number: number): boolean => number === 0 || number === PLACES - 1;

const textOf = (number: number): string =>
  `${(number >>> 16).toString(16)}:${(number & 0xffff).toString(16)}`;

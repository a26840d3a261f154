import { createHash } from 'node:crypto';

const PLACES = 2 ** 32;

/**
 * Numbers for texts: of classes of peers, and of ends that are counted. Written as nft writes traffic classes, which is
 * the type of the packet's priority that carries a number to the next look-up. A text keeps its number for good, and no
 * two have the same.
 */
export class Numbers {
  readonly #numbers = new Map<string, string>();
  readonly #taken = new Set<string>();

  of(text: string): string {
    const digest = createHash('sha256').update(text).digest();
    const short = digest.toString('latin1', 0, 16);
    const known = this.#numbers.get(short);
    if (known) return known;
    let number = digest.readUInt32BE(0);
    while (isNamed(number) || this.#taken.has(textOf(number))) number = (number + 1) % PLACES;
    const made = textOf(number);
    this.#numbers.set(short, made);
    this.#taken.add(made);
    return made;
  }
}

/** `none` and `root`, which nft writes by name. */
const isNamed = (number: number): boolean => number === 0 || number === PLACES - 1;

export const textOf = (number: number): string =>
  `${(number >>> 16).toString(16)}:${(number & 0xffff).toString(16)}`;

/** The number as it was before `Numbers` wrote it. */
export const numberIn = (number: string): number => {
  const [high = '0', low = '0'] = number.split(':');
  return Number.parseInt(high, 16) * 65_536 + Number.parseInt(low, 16);
};

/** Eight hex digits: as ids of ends stand in log prefixes. */
export const digitsOf = (number: string): string => numberIn(number).toString(16).padStart(8, '0');

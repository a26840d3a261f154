import { hash } from 'node:crypto';
import { WordTable } from './word-table.ts';

const PLACES = 2 ** 32;

/** Half a digest, used again each time. */
const half = Buffer.alloc(16);

/**
 * Numbers for texts: of classes of peers, and of ends that are counted. Written as nft writes traffic classes, which is
 * the type of the packet's priority that carries a number to the next look-up. A text keeps its number for good, and no
 * two have the same.
 */
export class Numbers {
  /** By half of a digest: texts are too long to be kept, and as many as classes and ends ever were. */
  readonly #numbers = new WordTable(4);
  readonly #taken = new WordTable(1);

  of(text: string): string {
    half.write(hash('sha256', text, 'binary'), 'latin1');
    const short = [0, 4, 8, 12].map(at => half.readUInt32BE(at));
    const known = this.#numbers.get(short);
    if (known !== undefined) return textOf(known);
    const own: [number] = [short[0] ?? 0];
    while (isNamed(own[0]) || this.#taken.get(own) !== undefined) own[0] = (own[0] + 1) % PLACES;
    this.#numbers.set(short, own[0]);
    this.#taken.set(own, 1);
    return textOf(own[0]);
  }
}

/** `none` and `root`, which nft writes by name. */
const isNamed = (number: number): boolean => number === 0 || number === PLACES - 1;

export const textOf = (number: number): string =>
  `${(number >>> 16).toString(16)}:${(number & 0xffff).toString(16)}`;

const [COLON, NINE, LOWER_A] = [58, 57, 97] as const;

/** The number as it was before `Numbers` wrote it. A few for each class of peers and each end: digit by digit is quickest. */
export function numberIn(number: string): number {
  let [high, low] = [0, 0];
  for (let at = 0; at < number.length; at++) {
    const code = number.charCodeAt(at);
    if (code === COLON) [high, low] = [low, 0];
    else low = low * 16 + code - (code <= NINE ? 48 : LOWER_A - 10);
  }
  return high * 65_536 + low;
}

/** Eight hex digits: as ids of ends stand in log prefixes. */
export const digitsOf = (number: string): string => numberIn(number).toString(16).padStart(8, '0');

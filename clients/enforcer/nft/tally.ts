import type { Counted } from '../data-plane.ts';
import { digitsOf } from '../policy/numbers.ts';

/** Where one element that counts ends: at the next one, at the end of the line, or at that of all. */
const END = '(?:, ?| ?\\}?$)';
const IDLE = new RegExp(`[\\da-f]+:[\\da-f]+ counter(?: packets 0 bytes 0)?${END}`, 'y');
const COUNTED = new RegExp(`([\\da-f]+:[\\da-f]+) counter packets (\\d+) bytes (\\d+)${END}`, 'y');
const BEGIN = /^\t\telements = \{ /;

/**
 * Reads the set that counts flows, line by line. Most ends never saw anything: nothing is made of those, because they are
 * looked at every few seconds. Throws on what it does not know.
 */
export class TallyReader {
  /** What saw something, by the id in log prefixes. */
  readonly counters = new Map<string, Counted>();
  #isInside = false;

  line(text: string): void {
    if (!text.startsWith('\t\t')) this.#isInside = false;
    else if (BEGIN.test(text)) {
      this.#isInside = true;
      this.#elements(text, text.indexOf('{') + 2);
    } else if (this.#isInside) this.#elements(text, /\S|$/.exec(text)?.index ?? 0);
  }

  #elements(text: string, begin: number): void {
    for (let at = begin; at < text.length; ) {
      IDLE.lastIndex = at;
      if (IDLE.test(text)) {
        at = IDLE.lastIndex;
        continue;
      }
      COUNTED.lastIndex = at;
      const [, number, packets, bytes] = COUNTED.exec(text) ?? [];
      if (number === undefined)
        throw new TypeError(`nft listed \`${text.slice(at, at + 60)}\` where flows are counted`);
      this.counters.set(digitsOf(number), { packets: Number(packets), bytes: Number(bytes) });
      at = COUNTED.lastIndex;
    }
  }
}

import { parseAddress } from '../../../shared/schema/cidr.ts';
import { addressText, type Family } from './territories.ts';

/** IPv4 as everybody writes it: nearly all addresses, and far quicker told than parsed. */
const PLAIN = /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}$/;

/** A single address in the text that the maps are keyed by, so that one address is one key. */
export function singleAddress(text: string): { family: Family; text: string } | undefined {
  if (PLAIN.test(text)) return { family: 4, text };
  const parsed = parseAddress(text);
  if (!parsed) return undefined;
  const { family, words } = parsed;
  return {
    family,
    text: addressText(
      family,
      words.reduce((value, word) => (value << 32n) | BigInt(word), 0n),
    ),
  };
}

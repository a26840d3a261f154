import ipaddr from 'ipaddr.js';

/** A network or, at full length, a single host. */
export interface Cidr {
  family: 4 | 6;
  /** The masked address in 32-bit unsigned words, most significant first: one for IPv4, four for IPv6. */
  words: readonly number[];
  /** Bits of prefix: 0 to 32 or 0 to 128. */
  length: number;
}

const wordsOf = (bytes: readonly number[]): number[] => {
  const words: number[] = [];
  for (let at = 0; at < bytes.length; at += 4)
    words.push(
      (((bytes[at] ?? 0) << 24) |
        ((bytes[at + 1] ?? 0) << 16) |
        ((bytes[at + 2] ?? 0) << 8) |
        (bytes[at + 3] ?? 0)) >>>
        0,
    );
  return words;
};

/** Mask of word number `index` under a prefix of `length` bits. */
export const maskOf = (index: number, length: number): number => {
  const bits = Math.min(32, Math.max(0, length - index * 32));
  return bits === 0 ? 0 : (0xffffffff << (32 - bits)) >>> 0;
};

const IPV4_MAPPED = 0x0000ffff;

/** IPv4 in its IPv6 clothes (`::ffff:10.0.0.1`) is IPv4: on the wire there is no other. */
const undress = ({ words, length }: Cidr): Cidr =>
  length >= 96 && words[0] === 0 && words[1] === 0 && words[2] === IPV4_MAPPED
    ? { family: 4, words: [words[3] ?? 0], length: length - 96 }
    : { family: 6, words, length };

/**
 * The one text of a single address, whichever of its texts is given (RFC 5952; IPv4 in IPv6 clothes is IPv4). Throws when it
 * is none.
 */
export const canonicalAddress = (text: string): string => ipaddr.process(text).toString();

/** An address as a network of full length. Undefined when the text is no IPv4 (four decimal parts) or IPv6 address. */
export function parseAddress(text: string): Cidr | undefined {
  if (ipaddr.IPv4.isValidFourPartDecimal(text))
    return { family: 4, words: wordsOf(ipaddr.IPv4.parse(text).octets), length: 32 };
  if (!text.includes(':') || text.includes('%') || !ipaddr.IPv6.isValid(text)) return undefined;
  return undress({ family: 6, words: wordsOf(ipaddr.IPv6.parse(text).toByteArray()), length: 128 });
}

/** `address/length`, host bits cleared. A bare address is the network of that one host. */
export function parseCidr(text: string): Cidr | undefined {
  const [address = '', length, ...more] = text.split('/');
  const host = parseAddress(address);
  if (!host || more.length > 0) return undefined;
  if (length === undefined) return host;
  const dressed = address.includes(':') ? 128 : 32;
  if (!/^\d{1,3}$/.test(length) || Number(length) > dressed) return undefined;
  const bits = Number(length) - (dressed - (host.family === 4 ? 32 : 128));
  // `::ffff:10.0.0.0/40` would be wider than all of IPv4: a slip, not a network.
  if (bits < 0) return undefined;
  return { ...host, length: bits, words: host.words.map((word, at) => (word & maskOf(at, bits)) >>> 0) };
}

/** True when every address of `inner` lies in `outer`. */
export const contains = (outer: Cidr, inner: Cidr): boolean =>
  outer.family === inner.family &&
  outer.length <= inner.length &&
  outer.words.every((word, at) => ((inner.words[at] ?? 0) & maskOf(at, outer.length)) >>> 0 === word);

/** The network of so many bits that it lies in. */
export const widened = ({ family, words }: Cidr, length: number): Cidr => ({
  family,
  words: words.map((word, at) => (word & maskOf(at, length)) >>> 0),
  length,
});

/** The same text for the same network, whatever was written. */
export const cidrKey = ({ family, words, length }: Cidr): string => `${family}/${words.join('.')}/${length}`;

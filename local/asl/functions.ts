import { createHash } from 'node:crypto';
import { type Json, toJson } from './json.ts';

/** Time and chance of one evaluation. */
export interface Chance {
  now: Date;
  randomBytes(size: number): Uint8Array;
}

const HASHES: Record<string, string> = {
  MD5: 'md5',
  'SHA-1': 'sha1',
  'SHA-256': 'sha256',
  'SHA-384': 'sha384',
  'SHA-512': 'sha512',
};

/**
 * The functions that Step Functions adds to JSONata, and JSONata's own that ask for time or chance, over ours.
 * Source: AWS Step Functions developer guide, "Transforming data with JSONata". `$eval` is not there on either side.
 */
export const functionsFor = (chance: Chance): Record<string, (...args: never[]) => unknown> => ({
  partition,
  range,
  hash,
  parse: (text: string): Json => toJson(JSON.parse(text)),
  uuid: () => uuid(chance.randomBytes(16)),
  random: (seed?: number) => {
    if (seed !== undefined) throw new Error('$random with a seed is not implemented');
    return fraction(chance);
  },
  now: (picture?: string) => {
    if (picture !== undefined)
      throw new Error('$now takes no picture here; use $fromMillis($millis(), picture)');
    return chance.now.toISOString();
  },
  millis: () => chance.now.getTime(),
});

/** A number from 0 up to, not including, 1. */
export const fraction = (chance: Pick<Chance, 'randomBytes'>): number =>
  Buffer.from(chance.randomBytes(6)).readUIntBE(0, 6) / 2 ** 48;

const partition = (items: Json[], size: number): Json[][] => {
  if (!Number.isInteger(size) || size < 1)
    throw new Error(`$partition needs a size of at least 1, not ${size}`);
  const starts = Array.from({ length: Math.ceil(items.length / size) }, (_, part) => part * size);
  return starts.map(start => items.slice(start, start + size));
};

/** Both ends included. */
const range = (first: number, last: number, delta: number): number[] => {
  const length = Math.floor((last - first) / delta) + 1;
  if (delta === 0 || length > 1000)
    throw new Error('$range needs a step that is not 0 and makes at most 1000 numbers');
  return Array.from({ length: Math.max(0, length) }, (_, index) => first + index * delta);
};

const hash = (text: string, algorithm = 'SHA-256'): string => {
  const name = HASHES[algorithm];
  if (!name) throw new Error(`$hash knows ${Object.keys(HASHES).join(', ')}, not ${algorithm}`);
  return createHash(name).update(text).digest('hex');
};

/** RFC 9562, version 4. `bytes`: 16. */
const uuid = (bytes: Uint8Array): string => {
  const marked = bytes.map((byte, index) => {
    if (index === 6) return (byte & 0x0f) | 0x40;
    return index === 8 ? (byte & 0x3f) | 0x80 : byte;
  });
  return Buffer.from(marked)
    .toString('hex')
    .replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
};

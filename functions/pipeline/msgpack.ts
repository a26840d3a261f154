import { decode, encode } from '@msgpack/msgpack';
import type { z } from 'zod';
import { bySchema } from '../../shared/core/by-schema.ts';
import { fail } from '../../shared/schema/failure.ts';

/** Bytes behind the first one of a value, and values inside it. https://github.com/msgpack/msgpack/blob/master/spec.md */
interface Head {
  bytes: number;
  values: number;
}

const scalar = (bytes: number): Head => ({ bytes, values: 0 });

type Width = 1 | 2 | 4;
type Sized = [width: Width, of: (length: number) => Head];

/** `0xc0` to `0xdf`: what follows, once the length of `width` bytes is read. */
const WIDTHS: Readonly<Record<number, Sized>> = {
  ...group(0xc4, [1, 2, 4], length => scalar(length)),
  ...group(0xc7, [1, 2, 4], length => scalar(length + 1)),
  ...group(0xd9, [1, 2, 4], length => scalar(length)),
  ...group(0xdc, [2, 4], length => ({ bytes: 0, values: length })),
  ...group(0xde, [2, 4], length => ({ bytes: 0, values: 2 * length })),
};

function group(first: number, widths: Width[], of: (length: number) => Head): Record<number, Sized> {
  return Object.fromEntries(widths.map((width, index): [number, Sized] => [first + index, [width, of]]));
}

/** `0xca` to `0xd8` without a length: numbers, and extensions of fixed size. */
const FIXED: Readonly<Record<number, number>> = {
  202: 4,
  203: 8,
  204: 1,
  205: 2,
  206: 4,
  207: 8,
  208: 1,
  209: 2,
  210: 4,
  211: 8,
  212: 2,
  213: 3,
  214: 5,
  215: 9,
  216: 17,
};

const early = (): RangeError => new RangeError('it ends too early');

function headAt(view: DataView, at: number): Head {
  const has = (bytes: number): boolean => at + bytes <= view.byteLength;
  if (!has(1)) throw early();
  const first = view.getUint8(at);
  if (first <= 0x7f || first >= 0xe0) return scalar(0);
  if (first <= 0x8f) return { bytes: 0, values: 2 * (first & 0x0f) };
  if (first <= 0x9f) return { bytes: 0, values: first & 0x0f };
  if (first <= 0xbf) return scalar(first & 0x1f);
  const sized = WIDTHS[first];
  if (!sized) return scalar(FIXED[first] ?? 0);
  const [width, of] = sized;
  if (!has(1 + width)) throw early();
  const length =
    width === 1 ? view.getUint8(at + 1) : width === 2 ? view.getUint16(at + 1) : view.getUint32(at + 1);
  const { bytes, values } = of(length);
  return { bytes: width + bytes, values };
}

/**
 * Walks over the values without making any: a few bytes may claim lists of billions, and the decoder makes room for
 * what is claimed. Every value takes a byte, so no more may be claimed than bytes are left.
 *
 * @throws RangeError for a body that ends too early, claims more than it holds or is too deep
 */
function mustHold(bytes: Buffer, deepest: number): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  /** Values that are left at each level. */
  const left = [1];
  let claimed = 1;
  let at = 0;
  while (claimed > 0) {
    while (left.at(-1) === 0) left.pop();
    left.push((left.pop() ?? 0) - 1);
    const head = headAt(view, at);
    at += 1 + head.bytes;
    claimed += head.values - 1;
    if (claimed > bytes.length - at) throw early();
    if (head.values > 0 && left.push(head.values) - 2 > deepest)
      throw new RangeError(`it is more than ${deepest} levels deep`);
  }
}

/** The value as JSON would have brought it: timestamps as RFC 3339, nothing that JSON cannot say. */
export function fromMsgpack(bytes: Buffer, deepest: number): unknown {
  try {
    mustHold(bytes, deepest);
    return JSON.parse(JSON.stringify(decode(bytes)));
  } catch (error) {
    throw fail(
      'bad_request',
      `the body is not msgpack: ${error instanceof Error ? error.message : 'unreadable'}`,
    );
  }
}

/** Points in time as the timestamps of msgpack: clients of the original cannot read a text as one. */
const TIMES = { time: (text: string) => new Date(text), nothing: () => null };

/** `schema` says which texts are points in time. */
export const toMsgpack = (value: unknown, schema?: z.ZodType): Buffer =>
  Buffer.from(encode(schema ? bySchema(schema, value, TIMES) : value, { ignoreUndefined: true }));

import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';

/** Of JSON that repeats itself a tenth is left; more effort leaves hardly less. */
const EFFORT = { params: { [constants.ZSTD_c_compressionLevel]: 1 } };

/** Bytes in less memory, for as long as nobody asks for them. A copy: what zlib gives has room behind it. */
export const packed = (bytes: Uint8Array): Uint8Array => new Uint8Array(zstdCompressSync(bytes, EFFORT));

export const unpacked = (bytes: Uint8Array): Buffer => zstdDecompressSync(bytes);

/** Bytes that wait to be packed, at most. */
const WAITING = 32 * 2 ** 20;

/** Bytes that are packed when it is time, which work that somebody waits for need not wait for. */
export class PackedBytes {
  static #waiting: PackedBytes[] = [];
  static #size = 0;
  #plain: Buffer | undefined;
  #packed: Uint8Array | undefined;

  /** `bytes` are nobody else's from now on. */
  constructor(bytes: Buffer) {
    this.#plain = bytes;
    PackedBytes.#waiting.push(this);
    PackedBytes.#size += bytes.length;
    if (PackedBytes.#size > WAITING) PackedBytes.packAll();
  }

  /** Nobody may write to them. */
  get bytes(): Buffer {
    return this.#plain ?? unpacked(this.#packed ?? new Uint8Array(0));
  }

  /** Packs what came since. */
  static packAll(): void {
    for (const one of PackedBytes.#waiting) {
      if (one.#plain) one.#packed = packed(one.#plain);
      one.#plain = undefined;
    }
    PackedBytes.#waiting = [];
    PackedBytes.#size = 0;
  }
}

import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';

/** Of JSON that repeats itself a tenth is left; more effort leaves hardly less. */
const EFFORT = { params: { [constants.ZSTD_c_compressionLevel]: 1 } };

/** Bytes in less memory, for as long as nobody asks for them. A copy: what zlib gives has room behind it. */
export const packed = (bytes: Uint8Array): Uint8Array => new Uint8Array(zstdCompressSync(bytes, EFFORT));

export const unpacked = (bytes: Uint8Array): Buffer => zstdDecompressSync(bytes);

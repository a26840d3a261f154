import { endianness } from 'node:os';

/** Numbers of netfilter's log attributes (linux/netfilter/nfnetlink_log.h). */
const PAYLOAD = 9;
const PREFIX = 10;

const HEADER = 4;
const LITTLE_ENDIAN = endianness() === 'LE';

/** One logged packet: the prefix of the rule that logged it, and the start of the packet from its IP header on. */
export interface LogRecord {
  prefix: string;
  packet: Buffer;
}

/**
 * A packet of link type 239: four bytes of header, then attributes of a length, a type and a value, each padded to
 * four bytes. Lengths and types are in the byte order of the machine. Undefined when it holds no packet.
 */
export function readRecord(bytes: Buffer): LogRecord | undefined {
  let prefix = '';
  let packet: Buffer | undefined;
  for (let at = HEADER; at + 4 <= bytes.length; ) {
    const length = LITTLE_ENDIAN ? bytes.readUInt16LE(at) : bytes.readUInt16BE(at);
    const type = LITTLE_ENDIAN ? bytes.readUInt16LE(at + 2) : bytes.readUInt16BE(at + 2);
    if (length < 4 || at + length > bytes.length) return undefined;
    if (type === PREFIX) prefix = textOf(bytes, at + 4, at + length);
    else if (type === PAYLOAD) packet = bytes.subarray(at + 4, at + length);
    at += (length + 3) & ~3;
  }
  return packet && { prefix, packet };
}

/** The text up to its end or a NUL. */
function textOf(bytes: Buffer, start: number, end: number): string {
  const nul = bytes.indexOf(0, start);
  return bytes.toString('latin1', start, nul === -1 || nul > end ? end : nul);
}

import type { Traffic } from '../../../shared/core/ports.ts';
import { parseAddress } from '../../../shared/schema/cidr.ts';
import { ICMP, ICMP6, TCP, UDP } from '../../../shared/schema/protocol-ports.ts';
import type { Received } from './raw.ts';

/** The first packet of a flow, of a number that can be told again where it arrives. */
export interface Probe {
  id: number;
  from: string;
  to: string;
  traffic: Traffic;
  /** Of TCP and UDP; probes between the same ends need different ones to be flows of their own. */
  sourcePort: number;
  /** Hop limit or TTL; 64 unless said. */
  hops?: number;
}

const MARK = 0x9e3779b9;
const SYN = 0x02;
const ACK = 0x10;

/** Sum of 16-bit words, folded, as IP's checksums have it. */
function sum(...parts: readonly Buffer[]): number {
  let total = 0;
  for (const part of parts) {
    for (let at = 0; at + 1 < part.length; at += 2) total += part.readUInt16BE(at);
    if (part.length % 2 === 1) total += (part.at(-1) ?? 0) << 8;
  }
  while (total > 0xffff) total = (total & 0xffff) + (total >>> 16);
  return ~total & 0xffff;
}

function bytesOf(address: string): Buffer {
  const parsed = parseAddress(address);
  if (!parsed) throw new Error(`${address} is no address`);
  const bytes = Buffer.alloc(parsed.words.length * 4);
  for (const [at, word] of parsed.words.entries()) bytes.writeUInt32BE(word >>> 0, at * 4);
  return bytes;
}

/** The eight bytes that every probe ends with, except those of TCP. */
function tail(id: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt32BE(MARK, 0);
  bytes.writeUInt32BE(id, 4);
  return bytes;
}

/** Its sequence number is the probe's; what acknowledges it answers. */
function tcp({ id, sourcePort }: Probe, port: number): Buffer {
  const header = Buffer.alloc(20);
  header.writeUInt16BE(sourcePort, 0);
  header.writeUInt16BE(port, 2);
  header.writeUInt32BE(id, 4);
  header.writeUInt32BE(MARK, 8);
  header.writeUInt16BE(0x5000 + SYN, 12);
  header.writeUInt16BE(0xffff, 14);
  return header;
}

function udp({ id, sourcePort }: Probe, port: number): Buffer {
  const header = Buffer.alloc(8);
  header.writeUInt16BE(sourcePort, 0);
  header.writeUInt16BE(port, 2);
  header.writeUInt16BE(16, 4);
  return Buffer.concat([header, tail(id)]);
}

/** What an ICMP error quotes: a packet of no flow that anybody knows. */
function quoted(family: 4 | 6): Buffer {
  const datagram = Buffer.alloc(8);
  datagram.writeUInt16BE(9, 0);
  datagram.writeUInt16BE(9, 2);
  const [from, to] = family === 4 ? ['203.0.113.1', '203.0.113.2'] : ['2001:db8:f::1', '2001:db8:f::2'];
  return ip(from ?? '', to ?? '', UDP, Buffer.concat([datagram, Buffer.alloc(8)]));
}

const ERRORS: Readonly<Record<number, readonly number[]>> = {
  [ICMP]: [3, 4, 5, 11, 12],
  [ICMP6]: [1, 2, 3, 4],
};

function icmp({ id }: Probe, traffic: Traffic & { kind: 'icmp' }): Buffer {
  const header = Buffer.from([
    traffic.type,
    traffic.code,
    0,
    0,
    (id >>> 8) & 0xff,
    id & 0xff,
    id >>> 24,
    (id >>> 16) & 0xff,
  ]);
  const isError = ERRORS[traffic.protocol]?.includes(traffic.type);
  return Buffer.concat([header, ...(isError ? [quoted(traffic.protocol === ICMP ? 4 : 6)] : []), tail(id)]);
}

/** Where the checksum is in the header of a protocol. */
const CHECKSUMS: Readonly<Record<number, number>> = { [ICMP]: 2, [TCP]: 16, [UDP]: 6, [ICMP6]: 2 };

/** What a header of IP may say beside who to whom. */
export interface Header {
  /** Hop limit or TTL; 64 unless said. */
  hops?: number | undefined;
  /** The body has its checksum already: a part of it, or of a packet inside. */
  isSummed?: boolean;
  /** Of IPv4: which packet it is a part of, and which (flags and place), and options. */
  id?: number;
  fragment?: number;
  options?: Buffer;
}

/** A body with its checksum. */
export function summed(from: string, to: string, protocol: number, body: Buffer): Buffer {
  const at = CHECKSUMS[protocol];
  if (at === undefined) return body;
  const pseudo = Buffer.alloc(8);
  pseudo.writeUInt32BE(body.length, 0);
  pseudo.writeUInt32BE(protocol, 4);
  body.writeUInt16BE(protocol === ICMP ? sum(body) : sum(bytesOf(from), bytesOf(to), pseudo, body), at);
  return body;
}

export function ip(from: string, to: string, protocol: number, body: Buffer, how: Header = {}): Buffer {
  const { hops = 64, isSummed = false, id = 0, fragment = 0, options = Buffer.alloc(0) } = how;
  const [source, destination] = [bytesOf(from), bytesOf(to)];
  const content = isSummed ? body : summed(from, to, protocol, body);
  const header = Buffer.alloc(source.length === 4 ? 12 : 8);
  if (source.length === 4) {
    header.writeUInt16BE(0x4500 + (options.length / 4) * 0x100, 0);
    header.writeUInt16BE(20 + options.length + content.length, 2);
    header.writeUInt16BE(id, 4);
    header.writeUInt16BE(fragment, 6);
    header.writeUInt16BE(hops * 256 + protocol, 8);
    header.writeUInt16BE(sum(header, source, destination, options), 10);
  } else {
    header.writeUInt8(0x60, 0);
    header.writeUInt16BE(content.length, 4);
    header.writeUInt8(protocol, 6);
    header.writeUInt8(hops, 7);
  }
  return Buffer.concat([header, source, destination, options, content]);
}

/** The probe as an IP packet. */
export function packetOf(probe: Probe): Buffer {
  const { traffic, from, to, hops } = probe;
  if (traffic.kind === 'icmp') return ip(from, to, traffic.protocol, icmp(probe, traffic), { hops });
  if (traffic.kind === 'protocol')
    return ip(from, to, traffic.protocol, Buffer.concat([Buffer.alloc(8, 1), tail(probe.id)]), { hops });
  const body = traffic.protocol === TCP ? tcp(probe, traffic.port) : udp(probe, traffic.port);
  return ip(from, to, traffic.protocol, body, { hops });
}

/** What a packet says of a probe: that it arrived, or that it was answered. Undefined: of none. */
export function recognize({ protocol, body }: Received): { id: number; is: 'probe' | 'answer' } | undefined {
  if (protocol === TCP) {
    const [sequence, acknowledged, flags] = [body.readUInt32BE(4), body.readUInt32BE(8), body[13] ?? 0];
    if ((flags & ACK) !== 0) return { id: (acknowledged - 1) >>> 0, is: 'answer' };
    return flags === SYN && acknowledged === MARK ? { id: sequence, is: 'probe' } : undefined;
  }
  if (body.length < 16 || body.readUInt32BE(body.length - 8) !== MARK) return undefined;
  const id = body.readUInt32BE(body.length - 4);
  const type = body[0] ?? 0;
  // An ICMP error that quotes a probe ends with the probe's own tail.
  if (protocol === ICMP || protocol === ICMP6) {
    const isEcho = type === (protocol === ICMP ? 0 : 129);
    return { id, is: isEcho || quotes(protocol, body) ? 'answer' : 'probe' };
  }
  return { id, is: 'probe' };
}

/** Errors of ours quote UDP from port 9; those of the kernel quote a probe. */
const quotes = (protocol: number, body: Buffer): boolean => {
  if (!ERRORS[protocol]?.includes(body[0] ?? 0)) return false;
  const header = protocol === ICMP ? 20 : 40;
  return body.length < 8 + header + 4 || body.readUInt16BE(8 + header) !== 9;
};

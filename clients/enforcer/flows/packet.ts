import type { Traffic } from '../../../shared/core/ports.ts';
import { ICMP, ICMP6, TCP, UDP } from '../../../shared/schema/protocol-ports.ts';

/** What a flow is told apart by: its two addresses and its traffic, without the source port. */
export interface Conversation {
  source: string;
  destination: string;
  traffic: Traffic;
}

/** IPv6 headers that stand before the transport's: hop by hop, routing, destination options. */
const EXTENSIONS: readonly number[] = [0, 43, 60];
const FRAGMENT = 44;

/** Where the transport header starts, and of which protocol it is. */
interface Transport {
  protocol: number;
  at: number;
  /** A later fragment has no transport header. */
  later: boolean;
}

function transportOf(packet: Buffer): Transport | undefined {
  const version = (packet[0] ?? 0) >> 4;
  if (version === 4 && packet.length >= 20) {
    const later = (packet.readUInt16BE(6) & 0x1fff) !== 0;
    return { protocol: packet[9] ?? 0, at: ((packet[0] ?? 0) & 15) * 4, later };
  }
  if (version !== 6 || packet.length < 40) return undefined;
  let protocol = packet[6] ?? 0;
  let at = 40;
  let later = false;
  for (;;) {
    if (EXTENSIONS.includes(protocol) && at + 2 <= packet.length) {
      protocol = packet[at] ?? 0;
      at += ((packet[at + 1] ?? 0) + 1) * 8;
    } else if (protocol === FRAGMENT && at + 8 <= packet.length) {
      later ||= (packet.readUInt16BE(at + 2) & 0xfff8) !== 0;
      protocol = packet[at] ?? 0;
      at += 8;
    } else return { protocol, at, later };
  }
}

const hasPorts = (protocol: number): protocol is typeof TCP | typeof UDP =>
  protocol === TCP || protocol === UDP;
const isIcmp = (protocol: number): protocol is typeof ICMP | typeof ICMP6 =>
  protocol === ICMP || protocol === ICMP6;
const isV4 = (packet: Buffer): boolean => (packet[0] ?? 0) >> 4 === 4;

/**
 * The bytes by which the packet's conversation is told apart, as text. Much faster than reading them out: most packets
 * are of a conversation that is known already. Undefined when it is no IP packet, or cut off too early.
 */
export function conversationKey(packet: Buffer): string | undefined {
  const transport = transportOf(packet);
  if (!transport) return undefined;
  const { protocol, at, later } = transport;
  const addresses = isV4(packet) ? packet.toString('latin1', 12, 20) : packet.toString('latin1', 8, 40);
  const kind = String.fromCharCode(protocol);
  if (later) return `${addresses}${kind}`;
  if (hasPorts(protocol)) {
    return at + 4 <= packet.length
      ? `${addresses}${kind}${packet.toString('latin1', at + 2, at + 4)}`
      : undefined;
  }
  if (isIcmp(protocol)) {
    return at + 2 <= packet.length
      ? `${addresses}${kind}${packet.toString('latin1', at, at + 2)}`
      : undefined;
  }
  return `${addresses}${kind}`;
}

const v4 = (packet: Buffer, at: number): string =>
  `${packet[at]}.${packet[at + 1]}.${packet[at + 2]}.${packet[at + 3]}`;

/** RFC 5952: the longest run of two or more zero groups is `::`, the first of equally long ones. */
function v6(packet: Buffer, at: number): string {
  const groups = Array.from({ length: 8 }, (_, index) => packet.readUInt16BE(at + index * 2).toString(16));
  let best = { start: 0, length: 1 };
  for (let start = 0; start < 8; start++) {
    let length = 0;
    while (groups[start + length] === '0') length++;
    if (length > best.length) best = { start, length };
  }
  if (best.length < 2) return groups.join(':');
  return `${groups.slice(0, best.start).join(':')}::${groups.slice(best.start + best.length).join(':')}`;
}

/** A whole UDP datagram. */
export interface Datagram {
  source: string;
  destination: string;
  sourcePort: number;
  destinationPort: number;
  body: Buffer;
}

/** Undefined for anything else, and for a fragment. */
export function readDatagram(packet: Buffer): Datagram | undefined {
  const { protocol, at, later } = transportOf(packet) ?? {};
  if (protocol !== UDP || at === undefined || later || at + 8 > packet.length) return undefined;
  return {
    ...endsOf(packet),
    sourcePort: packet.readUInt16BE(at),
    destinationPort: packet.readUInt16BE(at + 2),
    body: packet.subarray(at + 8, at + packet.readUInt16BE(at + 4)),
  };
}

const endsOf = (packet: Buffer): Pick<Conversation, 'source' | 'destination'> =>
  isV4(packet)
    ? { source: v4(packet, 12), destination: v4(packet, 16) }
    : { source: v6(packet, 8), destination: v6(packet, 24) };

/** The conversation of a packet that has a `conversationKey`. */
export function readConversation(packet: Buffer): Conversation {
  const { protocol, at, later } = transportOf(packet) ?? { protocol: 0, at: 0, later: true };
  const traffic: Traffic =
    !later && hasPorts(protocol)
      ? { kind: 'ports', protocol: protocol, port: packet.readUInt16BE(at + 2) }
      : !later && isIcmp(protocol)
        ? { kind: 'icmp', protocol: protocol, type: packet[at] ?? 0, code: packet[at + 1] ?? 0 }
        : { kind: 'protocol', protocol };
  return { ...endsOf(packet), traffic };
}

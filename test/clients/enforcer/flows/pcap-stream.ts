/** Makes what `tcpdump -i nflog:<group> -w -` writes, for tests and benchmarks. Little endian, as captured on x86. */

export const fileHeader = (): Buffer => {
  const header = Buffer.alloc(24);
  header.writeUInt32LE(0xa1b2c3d4, 0);
  header.writeUInt16LE(2, 4);
  header.writeUInt16LE(4, 6);
  header.writeUInt32LE(262_144, 16);
  header.writeUInt32LE(239, 20);
  return header;
};

const attribute = (type: number, value: Buffer): Buffer => {
  const padded = Buffer.alloc((4 + value.length + 3) & ~3);
  padded.writeUInt16LE(4 + value.length, 0);
  padded.writeUInt16LE(type, 2);
  value.copy(padded, 4);
  return padded;
};

export interface Made {
  prefix: string;
  source: string;
  destination: string;
  protocol: number;
  port: number;
}

const bytesOf = (address: string): number[] => address.split('.').map(Number);

/** Header of an IPv4 packet and the first eight bytes of its transport. */
export function ipv4({ source, destination, protocol, port }: Omit<Made, 'prefix'>): Buffer {
  const packet = Buffer.alloc(28);
  packet[0] = 0x45;
  packet.writeUInt16BE(28, 2);
  packet[8] = 64;
  packet[9] = protocol;
  packet.set(bytesOf(source), 12);
  packet.set(bytesOf(destination), 16);
  packet.writeUInt16BE(40_000, 20);
  packet.writeUInt16BE(port, 22);
  return packet;
}

/** One packet of the stream: its header, the log's header and its attributes. */
export function logged(prefix: string, packet: Buffer): Buffer {
  const body = Buffer.concat([
    Buffer.from([2, 0, 0, 5]),
    attribute(1, Buffer.from([8, 0, 3, 0])),
    attribute(10, Buffer.from(`${prefix}\0`)),
    attribute(5, Buffer.from([0, 0, 0, 1])),
    attribute(9, packet),
  ]);
  const header = Buffer.alloc(16);
  header.writeUInt32LE(body.length, 8);
  header.writeUInt32LE(body.length, 12);
  return Buffer.concat([header, body]);
}

export const made = ({ prefix, ...packet }: Made): Buffer => logged(prefix, ipv4(packet));

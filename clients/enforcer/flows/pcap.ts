/** Link type of the packets that `tcpdump -i nflog:<group>` writes: LINKTYPE_NFLOG. */
export const NFLOG = 239;

const FILE_HEADER = 24;
const PACKET_HEADER = 16;
/** Bytes that a packet has at most: libpcap's own bound (MAXIMUM_SNAPLEN). */
const LONGEST = 262_144;

/** Magic number of the file, as it reads in little endian → whether its numbers are. Micro- and nanoseconds. */
const MAGICS: ReadonlyMap<number, boolean> = new Map([
  [0xa1b2c3d4, true],
  [0xa1b23c4d, true],
  [0xd4c3b2a1, false],
  [0x4d3cb2a1, false],
]);

/**
 * Reads a pcap stream as it comes, in pieces of any size, and gives each packet's bytes. They are valid only while
 * `onPacket` runs. Throws on anything that is no pcap stream of netfilter's log.
 */
export class PcapReader {
  readonly #onPacket: (packet: Buffer) => void;
  #rest: Buffer = Buffer.alloc(0);
  #littleEndian: boolean | undefined;

  constructor(onPacket: (packet: Buffer) => void) {
    this.#onPacket = onPacket;
  }

  push(chunk: Buffer): void {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    let at = 0;
    if (this.#littleEndian === undefined) {
      if (bytes.length < FILE_HEADER) {
        this.#rest = bytes;
        return;
      }
      this.#readFileHeader(bytes);
      at = FILE_HEADER;
    }
    while (bytes.length - at >= PACKET_HEADER) {
      const length = this.#number(bytes, at + 8);
      if (length > LONGEST) throw new Error(`a packet of ${length} bytes is longer than libpcap writes`);
      const end = at + PACKET_HEADER + length;
      if (bytes.length < end) break;
      this.#onPacket(bytes.subarray(at + PACKET_HEADER, end));
      at = end;
    }
    this.#rest = bytes.subarray(at);
  }

  #readFileHeader(bytes: Buffer): void {
    const magic = bytes.readUInt32LE(0);
    this.#littleEndian = MAGICS.get(magic);
    if (this.#littleEndian === undefined) throw new Error(`${magic.toString(16)} is no pcap magic number`);
    const linkType = this.#number(bytes, 20);
    if (linkType !== NFLOG) throw new Error(`link type ${linkType} is not that of netfilter's log, ${NFLOG}`);
  }

  #number(bytes: Buffer, at: number): number {
    return this.#littleEndian ? bytes.readUInt32LE(at) : bytes.readUInt32BE(at);
  }
}

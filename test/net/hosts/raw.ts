import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Host } from '../../../local/hosts/network.ts';

const PROGRAM = fileURLToPath(new URL('raw.pl', import.meta.url));

/** A packet that got through the packet filter of the host that received it. */
export interface Received {
  family: 4 | 6;
  protocol: number;
  /** From the header of `protocol` on. */
  body: Buffer;
}

/** The raw sockets of a host. */
export interface RawEnd {
  /** Hands IP packets to the host's kernel as its own. Resolves when all have been taken. */
  send(packets: readonly Buffer[]): Promise<void>;
  close(): Promise<void>;
}

/** `onPacket` is called for every ICMP, TCP, UDP and ESP packet that the host's filter lets in. */
export async function openRaw(host: Host, onPacket: (packet: Received) => void): Promise<RawEnd> {
  const [program, ...args] = [...host.enter, 'perl', PROGRAM];
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  const fences: (() => void)[] = [];
  const passed = (): Promise<void> => new Promise(resolve => fences.push(resolve));
  const ready = passed();
  let rest = Buffer.alloc(0);
  child.stdout.on('data', (chunk: Buffer) => {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let at = 0;
    for (let end = endOf(bytes, at); end <= bytes.length; end = endOf(bytes, at)) {
      const family = bytes[at + 2] ?? 0;
      if (family === 0) fences.shift()?.();
      else onPacket(received(family, bytes[at + 3] ?? 0, bytes.subarray(at + 4, end)));
      at = end;
    }
    rest = Buffer.from(bytes.subarray(at));
  });
  let words = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    words += text;
  });
  const ended = once(child, 'close');
  const broken = ended.then((): never => {
    throw new Error(`the raw sockets of ${host.name} ended: ${words}`);
  });
  broken.catch(() => undefined);
  await Promise.race([ready, broken]);
  return {
    send: async packets => {
      const all = passed();
      for (const packet of packets) child.stdin.write(framed(packet));
      child.stdin.write(Buffer.alloc(2));
      await Promise.race([all, broken]);
      if (words) throw new Error(`${host.name}: ${words}`);
    },
    close: async () => {
      child.stdin.end();
      await ended;
    },
  };
}

const HEADER = 4;

/** Where the frame ends; past the end of `bytes` when it is not whole. */
const endOf = (bytes: Buffer, at: number): number =>
  bytes.length - at < HEADER ? Number.POSITIVE_INFINITY : at + HEADER + bytes.readUInt16BE(at);

function framed(packet: Buffer): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(packet.length);
  return Buffer.concat([length, packet]);
}

const received = (family: number, protocol: number, packet: Buffer): Received => ({
  family: family === 4 ? 4 : 6,
  protocol,
  body: family === 4 ? packet.subarray(((packet[0] ?? 0) & 15) * 4) : packet,
});

import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { conversationKey, readConversation } from '../../../../clients/enforcer/flows/packet.ts';
import { PcapReader } from '../../../../clients/enforcer/flows/pcap.ts';
import { type LogRecord, readRecord } from '../../../../clients/enforcer/flows/record.ts';
import { fileHeader, ipv4, logged, made } from './pcap-stream.ts';

/** Written by tcpdump 4.99.3 on a Linux host: a SYN over IPv6, a UDP datagram, a SYN over IPv4. */
const CAPTURED = readFileSync(new URL('./nflog.pcap', import.meta.url));

function read(stream: Buffer, sizes: readonly number[] = [stream.length]): LogRecord[] {
  const records: LogRecord[] = [];
  const reader = new PcapReader(packet => {
    const record = readRecord(packet);
    if (record) records.push({ prefix: record.prefix, packet: Buffer.from(record.packet) });
  });
  for (let at = 0, turn = 0; at < stream.length; turn++) {
    const size = sizes[turn % sizes.length] ?? 1;
    reader.push(stream.subarray(at, at + size));
    at += size;
  }
  return records;
}

test('reads what tcpdump captured', () => {
  expect(read(CAPTURED).map(({ prefix, packet }) => ({ prefix, ...readConversation(packet) }))).toEqual([
    {
      prefix: 'A:abc:',
      source: '::1',
      destination: '::1',
      traffic: { kind: 'ports', protocol: 6, port: 82 },
    },
    {
      prefix: 'R:icmp:',
      source: '127.0.0.1',
      destination: '127.0.0.1',
      traffic: { kind: 'ports', protocol: 17, port: 53 },
    },
    {
      prefix: 'A:abc:',
      source: '127.0.0.1',
      destination: '127.0.0.1',
      traffic: { kind: 'ports', protocol: 6, port: 83 },
    },
  ]);
});

test('reads the same however the stream is cut', () => {
  const whole = read(CAPTURED);
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 1 }), sizes => {
      expect(read(CAPTURED, sizes)).toEqual(whole);
    }),
  );
});

test('reads a stream of a big-endian machine’s file header', () => {
  const header = Buffer.from(fileHeader().subarray(0, 24)).swap32();
  header.writeUInt16BE(2, 4);
  header.writeUInt16BE(4, 6);
  const packet = Buffer.from(made(A));
  packet.subarray(0, 16).swap32();
  expect(read(Buffer.concat([header, packet]))).toHaveLength(1);
});

const A = { prefix: 'A:r1:', source: '10.0.0.1', destination: '10.0.0.2', protocol: 6, port: 443 };

test.each([
  ['other magic', Buffer.alloc(24), /magic/],
  [
    'another link type',
    Buffer.concat([fileHeader().subarray(0, 20), Buffer.from([1, 0, 0, 0])]),
    /link type 1 /,
  ],
  [
    'an endless packet',
    Buffer.concat([fileHeader(), Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 255, 127, 0, 0, 0, 0])]),
    /longer/,
  ],
])('refuses %s', (_, stream, reason) => {
  expect(() => read(stream)).toThrow(reason);
});

test('whatever bytes a packet has, reading it neither throws nor hangs', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 120 }), bytes => {
      const record = readRecord(Buffer.from(bytes));
      const packet = record?.packet ?? Buffer.from(bytes);
      if (conversationKey(packet) !== undefined) readConversation(packet);
    }),
    { numRuns: 2000 },
  );
});

test('the key tells conversations apart, and the source port does not', () => {
  const key = (change: object, sourcePort = 1000) => {
    const packet = ipv4({ ...A, ...change });
    packet.writeUInt16BE(sourcePort, 20);
    return conversationKey(packet);
  };
  const changes = [{}, { port: 444 }, { protocol: 17 }, { source: '10.0.0.3' }, { destination: '10.0.0.3' }];
  expect(new Set(changes.map(change => key(change))).size).toBe(changes.length);
  expect(key({}, 1)).toBe(key({}, 2));
});

test('ICMP is read by type and code, and what has neither by its protocol', () => {
  const icmp = ipv4({ ...A, protocol: 1 });
  icmp.set([8, 0], 20);
  expect(readConversation(icmp).traffic).toEqual({ kind: 'icmp', protocol: 1, type: 8, code: 0 });
  expect(readConversation(ipv4({ ...A, protocol: 47 })).traffic).toEqual({ kind: 'protocol', protocol: 47 });
});

test('a later fragment has no ports to read', () => {
  const packet = ipv4(A);
  packet.writeUInt16BE(185, 6);
  expect(readConversation(packet).traffic).toEqual({ kind: 'protocol', protocol: 6 });
});

test('IPv6 extension headers are stepped over', () => {
  const packet = Buffer.alloc(60);
  packet[0] = 0x60;
  packet[6] = 0;
  packet.set([0x20, 0x01, 0x0d, 0xb8], 8);
  packet[23] = 1;
  packet.set([0x20, 0x01, 0x0d, 0xb8], 24);
  packet[39] = 2;
  packet.set([6, 0], 40);
  packet.writeUInt16BE(443, 50);
  expect(readConversation(packet)).toEqual({
    source: '2001:db8::1',
    destination: '2001:db8::2',
    traffic: { kind: 'ports', protocol: 6, port: 443 },
  });
  expect(readRecord(logged('A:x:', packet).subarray(16))?.prefix).toBe('A:x:');
});

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FlowTable } from '../../../../clients/enforcer/flows/table.ts';
import { ipv4 } from './pcap-stream.ts';

const record = (port: number, prefix = 'A:r1:') => ({
  prefix,
  packet: ipv4({ source: '10.0.0.1', destination: '10.0.0.2', protocol: 6, port }),
});
const counts = (sightings: readonly { count: number }[]) => sightings.map(({ count }) => count);

test('a new conversation is told at once, and what follows once an interval', () => {
  const table = new FlowTable({ interval: 1000 });
  table.add(record(443), 0);
  expect(counts(table.take(0))).toEqual([1]);
  for (let at = 1; at < 5; at++) table.add(record(443), at);
  expect(table.take(999)).toEqual([]);
  const [later] = table.take(1000);
  expect(later).toMatchObject({ count: 4, at: 4 });
  expect(table.take(5000)).toEqual([]);
  table.add(record(443), 5001);
  expect(counts(table.take(5001))).toEqual([1]);
});

test('the same conversation at two rules is two', () => {
  const table = new FlowTable({ interval: 1000 });
  table.add(record(443), 0);
  table.add(record(443, 'R:r2:'), 0);
  expect(table.take(0).map(({ prefix }) => prefix)).toEqual(['A:r1:', 'R:r2:']);
});

test('a packet that can’t be read is counted', () => {
  const table = new FlowTable({ interval: 1000 });
  table.add({ prefix: 'A:r1:', packet: Buffer.from([0x45]) }, 0);
  expect([table.unreadable, table.received.get('A:r1:'), table.take(0)]).toEqual([1, 1, []]);
});

test('every record is told exactly once, whenever it is taken and however little room there is', () => {
  const step = fc.record({
    port: fc.integer({ min: 1, max: 9 }),
    wait: fc.integer({ min: 0, max: 60 }),
    take: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(step), fc.integer({ min: 1, max: 12 }), (steps, limit) => {
      const table = new FlowTable({ interval: 100, limit });
      let now = 0;
      let told = 0;
      for (const { port, wait, take } of steps) {
        now += wait;
        table.add(record(port), now);
        if (take) told += counts(table.take(now)).reduce((sum, count) => sum + count, 0);
      }
      told += counts(table.drain()).reduce((sum, count) => sum + count, 0);
      expect(told).toBe(steps.length);
    }),
  );
});

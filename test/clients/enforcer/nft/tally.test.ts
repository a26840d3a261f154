import fc from 'fast-check';
import { expect, test } from 'vitest';
import { inLines } from '../../../../clients/enforcer/nft/command.ts';
import { ListingReader } from '../../../../clients/enforcer/nft/listing.ts';
import { TallyReader } from '../../../../clients/enforcer/nft/tally.ts';

const HEAD = 'table inet prisma {\n\tset tally {\n\t\ttype classid\n\t\tcounter\n';
const tallyOf = (elements: string) => `${HEAD}\t\telements = { ${elements} }\n\t}\n}\n`;

const read = (text: string, size = text.length) => {
  const reader = new TallyReader();
  const push = inLines(line => reader.line(line));
  for (let at = 0; at < text.length; at += size) push(text.slice(at, at + size));
  return reader.counters;
};

test('what saw something is read by its id, and nothing is made of the rest', () => {
  const listed = [
    ['2:f7da counter packets 3 bytes 180, c:fed4 counter, 0:9 counter packets 0 bytes 0'],
    ['2:f7da counter packets 3 bytes 180,', 'c:fed4 counter packets 0 bytes 0'],
    ['c:fed4 counter packets 0 bytes 0,', '2:f7da counter packets 3 bytes 180'],
  ];
  for (const lines of listed)
    expect([...read(tallyOf(lines.join('\n\t\t\t     ')))]).toEqual([
      ['0002f7da', { packets: 3, bytes: 180 }],
    ]);
  expect(read(`${HEAD}\t}\n}\n`).size).toBe(0);
});

test('a listing that is not understood is no listing of nothing', () => {
  expect(() => read(tallyOf('2:f7da counter packets 3 bytes 180 timeout 1s'))).toThrow(/packets 3 bytes 180/);
  expect(() => read(tallyOf('2:f7da'))).toThrow(/where flows are counted/);
});

const element = fc.record({
  number: fc.integer({ min: 1, max: 2 ** 32 - 2 }),
  packets: fc.oneof(fc.constant(0), fc.nat()),
});

test('one line of any length and in any pieces is read as it stands', () => {
  const tallies = fc.uniqueArray(element, {
    selector: one => one.number,
    minLength: 1,
    maxLength: 3000,
    size: 'max',
  });
  fc.assert(
    fc.property(tallies, fc.integer({ min: 1, max: 70_000 }), (tally, size) => {
      const text = tallyOf(
        tally
          .map(({ number, packets }) => {
            const key = `${(number >>> 16).toString(16)}:${(number & 0xffff).toString(16)}`;
            return `${key} counter packets ${packets} bytes ${packets}`;
          })
          .join(', '),
      );
      const counted = new Map(
        tally
          .filter(({ packets }) => packets > 0)
          .map(({ number, packets }) => [number.toString(16).padStart(8, '0'), { packets, bytes: packets }]),
      );
      expect(read(text, Math.max(size, 100))).toEqual(counted);
      const whole = new ListingReader();
      const longest: number[] = [];
      const push = inLines(line => {
        longest.push(line.length);
        whole.line(line);
      });
      for (let at = 0; at < text.length; at += 4096) push(text.slice(at, at + 4096));
      expect(whole.listing.counters.size).toBe(tally.length);
      expect(Math.max(...longest)).toBeLessThan(32_768);
    }),
    { numRuns: 30, endOnFailure: true },
  );
});

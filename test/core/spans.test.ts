import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { firstCome, joined, overlay, type Span } from '../../shared/core/spans.ts';

const HIGHEST = 30;
const claim = fc
  .tuple(fc.nat(HIGHEST), fc.nat(HIGHEST), fc.constantFrom('a', 'b', 'c'))
  .map(([x, y, value]): Span<string> => ({ from: Math.min(x, y), to: Math.max(x, y), value }));
const claims = fc.array(claim, { maxLength: 12 });
const at = <T>(spans: readonly Span<T>[], number: number): T | undefined =>
  spans.find(({ from, to }) => from <= number && number <= to)?.value;
const NUMBERS = Array.from({ length: HIGHEST + 1 }, (_, number) => number);

describe('spans', () => {
  it('give each number to the earliest claim on it, and to nobody else', () => {
    fc.assert(
      fc.property(claims, list => {
        const spans = firstCome(HIGHEST, list);
        for (const number of NUMBERS) expect(at(spans, number)).toBe(at(list, number));
        for (const [index, span] of spans.entries()) {
          expect(span.from).toBeLessThanOrEqual(span.to);
          expect(span.from).toBeGreaterThan(spans[index - 1]?.to ?? -1);
        }
      }),
    );
  });

  it('lie over each other without changing what holds where', () => {
    fc.assert(
      fc.property(claims, claims, (one, other) => {
        const [a, b] = [firstCome(HIGHEST, one), firstCome(HIGHEST, other)];
        const both = overlay(HIGHEST, a, b);
        for (const number of NUMBERS) expect(at(both, number)).toEqual([at(a, number), at(b, number)]);
      }),
    );
  });

  it('join into the fewest', () => {
    fc.assert(
      fc.property(claims, list => {
        const spans = firstCome(HIGHEST, list);
        const fewer = joined(spans, (x, y) => x === y);
        for (const number of NUMBERS) expect(at(fewer, number)).toBe(at(spans, number));
        for (const [index, span] of fewer.entries()) {
          const before = fewer[index - 1];
          if (before?.to === span.from - 1) expect(before.value).not.toBe(span.value);
        }
      }),
    );
  });
});

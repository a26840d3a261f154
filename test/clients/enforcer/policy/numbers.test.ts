import fc from 'fast-check';
import { expect, test } from 'vitest';
import { digitsOf, Numbers, numberIn } from '../../../../clients/enforcer/policy/numbers.ts';
import { WordTable } from '../../../../clients/enforcer/policy/word-table.ts';

test('a text keeps its number, and no two texts have the same', () => {
  const numbers = new Numbers();
  const texts = Array.from({ length: 20_000 }, (_, at) => `text ${at}`);
  const first = texts.map(text => numbers.of(text));
  expect(new Set(first).size).toBe(texts.length);
  expect(texts.map(text => numbers.of(text))).toEqual(first);
  expect(first.slice(0, 3).map(digitsOf)).toEqual(
    first.slice(0, 3).map(number => numberIn(number).toString(16).padStart(8, '0')),
  );
});

test('a table holds what a map of its keys does, whatever their width', () => {
  const word = fc.oneof(fc.nat(3), fc.constantFrom(2 ** 32 - 1, 2 ** 31, 0x9e37_79b1));
  const entries = fc.integer({ min: 1, max: 4 }).chain(width =>
    fc.tuple(
      fc.constant(width),
      fc.array(fc.tuple(fc.array(word, { minLength: width, maxLength: width }), fc.nat(2 ** 32 - 1)), {
        maxLength: 60,
      }),
    ),
  );
  fc.assert(
    fc.property(entries, ([width, list]) => {
      const table = new WordTable(width);
      for (const [key, value] of list) table.set(key, value);
      const map = new Map(list.map(([key, value]) => [key.join(), value]));
      expect(table.size).toBe(map.size);
      expect(new Map([...table.entries()].map(([key, value]) => [key.join(), value]))).toEqual(map);
      for (const [key] of list) expect(table.get(key)).toBe(map.get(key.join()));
      expect(table.get(Array.from({ length: width }, () => 7))).toBeUndefined();
    }),
  );
});

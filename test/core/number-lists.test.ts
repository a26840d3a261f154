import fc from 'fast-check';
import { expect, test } from 'vitest';
import { NumberLists } from '../../shared/core/number-lists.ts';

const lists = fc.array(fc.array(fc.nat(40), { maxLength: 5 }), { maxLength: 30 });

test('lists are what they were, and there is none beyond them', () => {
  fc.assert(
    fc.property(lists, all => {
      const held = NumberLists.from(all);
      expect(held.size).toBe(all.length);
      expect(all.map((_, at) => [...held.at(at)])).toEqual(all);
      expect([...held.at(all.length)]).toEqual([]);
    }),
  );
});

test('turned round, each value tells where it stands, and values that stand nowhere tell nothing', () => {
  fc.assert(
    fc.property(lists, all => {
      const held = NumberLists.of(all);
      const places = (value: number) =>
        all.flatMap((list, at) => list.filter(one => one === value).map(() => at));
      for (let value = 0; value < 45; value++) expect([...held.at(value)]).toEqual(places(value));
      expect([...held.keys()]).toEqual([...new Set(all.flat())].sort((a, b) => a - b));
    }),
  );
});

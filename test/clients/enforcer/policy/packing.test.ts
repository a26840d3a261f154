import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Meaning } from '../../../../clients/enforcer/data-plane.ts';
import { Ends } from '../../../../clients/enforcer/policy/ends.ts';
import { packed, sameRules } from '../../../../clients/enforcer/policy/model.ts';
import { NumberMap } from '../../../../clients/enforcer/policy/number-map.ts';
import { digitsOf, numberIn, textOf } from '../../../../clients/enforcer/policy/numbers.ts';
import { WovenTable } from '../../../../clients/enforcer/policy/woven-table.ts';
import { NamespacePath } from '../../../../shared/schema/ids.ts';

const number = fc.integer({ min: 1, max: 2 ** 32 - 2 });
const rule = fc.constantFrom('accept', 'drop', 'goto c_1', 'meta l4proto tcp', 'ct state new log prefix "ä"');

test('chains are what they were, however many are packed, and equal ones are equal', () => {
  fc.assert(
    fc.property(fc.array(fc.array(rule, { maxLength: 8 }), { minLength: 1, maxLength: 20 }), rules => {
      // Long enough to fill more than one pile.
      const long = (list: readonly string[], at: number) =>
        list.map(text => `${text} ${'x'.repeat(1000)}${at}`);
      const lists = [...rules, ...rules].map((list, at) => long(list, at % rules.length));
      const chains = lists.map(list => packed(list));
      expect(chains.map(chain => [...chain.rules])).toEqual(lists);
      for (const [at, chain] of chains.entries()) {
        const [other, plain] = [lists[(at + 1) % lists.length] ?? [], lists[at] ?? []];
        expect(sameRules(chain, packed(plain))).toBe(true);
        expect(sameRules(chain, { rules: plain })).toBe(true);
        expect(sameRules(chain, packed(other))).toBe(plain.join('\n') === other.join('\n'));
      }
    }),
    { numRuns: 50 },
  );
});

test('a map of numbers is a map, in order', () => {
  fc.assert(
    fc.property(fc.dictionary(number.map(String), fc.constantFrom('goto a', 'goto b')), entries => {
      const plain = Object.entries(entries).map(([key, text]) => [Number(key), text] as const);
      const map = NumberMap.of(plain);
      const sorted = plain.toSorted(([a], [b]) => a - b).map(([key, text]) => [textOf(key), text]);
      expect([...map]).toEqual(sorted);
      expect([...map.keys()]).toEqual(sorted.map(([key]) => key));
      expect(map.size).toBe(sorted.length);
      for (const [key = '', text] of sorted) {
        expect(map.get(key)).toBe(text);
        const next = textOf(numberIn(key) + 1);
        expect(map.has(next)).toBe(sorted.some(([one]) => one === next));
      }
    }),
  );
});

const meaningOf = (at: number): Meaning => ({
  ...{ direction: 'incoming', verdict: 'allow', namespace: NamespacePath.parse(`/n${at}`) },
});

test('every end keeps its meaning, and what was counted at a time stays what it was', () => {
  fc.assert(
    fc.property(fc.uniqueArray(number, { maxLength: 300 }), fc.nat(), (numbers, cut) => {
      const ends = new Ends();
      const [first, later] = [numbers.slice(0, cut % 300), numbers.slice(cut % 300)];
      const add = (list: readonly number[]) => {
        for (const one of list) ends.add(textOf(one), JSON.stringify(meaningOf(one)));
      };
      add(first);
      const before = ends.counters(first.map(textOf));
      add(later);
      add(first);
      expect([...before]).toEqual(first.map(textOf));
      expect(before.size).toBe(first.length);
      for (const one of later) expect(before.has(textOf(one))).toBe(false);
      expect([...ends.counters(numbers.map(textOf))]).toEqual(numbers.map(textOf));
      expect([...ends.only(before)]).toEqual(first.map(one => [digitsOf(textOf(one)), meaningOf(one)]));
      expect(ends.size).toBe(numbers.length);
      for (const one of numbers) expect(ends.get(digitsOf(textOf(one)))).toEqual(meaningOf(one));
      expect([...ends]).toEqual(numbers.map(one => [digitsOf(textOf(one)), meaningOf(one)]));
      if (!numbers.includes(7)) expect(ends.get('00000007')).toBeUndefined();
    }),
    { numRuns: 40 },
  );
});

test('what is woven is told by all positions, however many', () => {
  const positions = fc.uniqueArray(fc.nat(9), { maxLength: 7 }).map(list => list.sort((a, b) => a - b));
  const hash = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map(value => value.toString(16).padStart(16, '0'));
  const woven = fc.uniqueArray(fc.tuple(positions, hash, fc.nat(1000)), {
    selector: ([list]) => list.join(),
  });
  fc.assert(
    fc.property(woven, all => {
      const table = new WovenTable();
      for (const [list] of all) expect(table.get(list)).toBeUndefined();
      for (const [list, text, size] of all) table.set(list, { hash: text, size });
      for (const [list, text, size] of all) expect(table.get(list)).toEqual({ hash: text, size });
    }),
  );
});

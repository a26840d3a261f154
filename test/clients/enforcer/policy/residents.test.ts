import fc from 'fast-check';
import { expect, test } from 'vitest';
import { AddressTable } from '../../../../clients/enforcer/policy/address-table.ts';
import { Residents } from '../../../../clients/enforcer/policy/residents.ts';
import type { Peer } from '../../../../shared/schema/bundle.ts';

const addressOf = (at: number): string =>
  at % 2 === 0 ? `10.0.${at}.255` : `2001:db8:0:0:0:0:ffff:${at.toString(16)}`;
const peer = fc.record({
  addresses: fc.array(fc.nat(6).map(addressOf), { maxLength: 2 }),
  tags: fc.subarray(['1', '2', '3']),
}) as unknown as fc.Arbitrary<Peer>;

test('at each address is what all that live there can be asked for, after any changes', () => {
  fc.assert(
    fc.property(
      fc.array(peer, { maxLength: 8 }),
      fc.array(fc.tuple(fc.nat(), peer), { maxLength: 20 }),
      (first, steps) => {
        const residents = new Residents<Peer>(({ tags }) => tags.map(Number));
        residents.fill(first);
        const all = [...first];
        for (const [at, come] of steps) {
          const gone = all.splice(all.length === 0 ? 0 : at % all.length, 1);
          all.push(come);
          residents.change({ gone, come: [come] });
        }
        for (let at = 0; at <= 6; at++) {
          const living = all.filter(({ addresses }) => addresses.includes(addressOf(at)));
          const clauses = [...new Set(living.flatMap(({ tags }) => tags.map(Number)))].sort((a, b) => a - b);
          expect(residents.at(addressOf(at))).toEqual(clauses);
          expect([...residents.addresses()].includes(addressOf(at))).toBe(clauses.length > 0);
        }
      },
    ),
  );
});

test('a table of addresses holds what a map does', () => {
  const key = fc
    .nat(300)
    .map(at => (at % 2 ? `10.${at % 256}.${at >> 8}.7` : `2001:db8:${at.toString(16)}:0:0:0:0:1`));
  fc.assert(
    fc.property(fc.array(fc.tuple(key, fc.nat())), entries => {
      const plain = new Map(entries);
      const table = new AddressTable(plain);
      expect(table.size).toBe(plain.size);
      expect(new Map(table)).toEqual(plain);
      const values = new Set(entries.slice(0, 3).map(([, value]) => value));
      expect(new Set(table.keysOf(values))).toEqual(
        new Set([...plain].flatMap(([at, value]) => (values.has(value) ? [at] : []))),
      );
      for (const [text, value] of plain) expect(table.get(text)).toBe(value);
      expect(table.get('192.0.2.1')).toBeUndefined();
    }),
  );
});

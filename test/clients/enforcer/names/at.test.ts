import fc from 'fast-check';
import { expect, test } from 'vitest';
import { namesAt } from '../../../../clients/enforcer/names/at.ts';
import { singleAddress } from '../../../../clients/enforcer/policy/addresses.ts';

const address = fc.constantFrom('10.0.0.1', '10.0.0.2', '2001:db8::1', '2001:0db8:0:0::1', 'elsewhere');

test('the names at an address are those that list it, however it is written', () => {
  const names = fc.array(
    fc.tuple(fc.constantFrom('a.example.com', 'b.example.com', 'c.example.com'), fc.array(address)),
  );
  fc.assert(
    fc.property(names, address, (entries, asked) => {
      const map = new Map(entries);
      const text = singleAddress(asked)?.text;
      const wanted = [...map].filter(([, all]) =>
        all.some(one => text !== undefined && singleAddress(one)?.text === text),
      );
      for (let again = 0; again < 2; again++)
        expect(namesAt(map, asked)).toEqual(wanted.map(([name]) => name));
    }),
  );
});

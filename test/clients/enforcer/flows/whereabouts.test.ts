import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Whereabouts } from '../../../../clients/enforcer/flows/whereabouts.ts';
import { PeersPayload } from '../../../../shared/schema/bundle.ts';

const address = fc.nat(12).map(at => (at % 3 === 0 ? `2001:db8::${at}` : `10.0.0.${at}`));
const payload = fc
  .uniqueArray(
    fc.record({
      ID: fc.nat(15).map(number => number.toString(16).padStart(24, '0')),
      addresses: fc.uniqueArray(address, { maxLength: 2 }),
      namespace: fc.constantFrom('/t', '/t/a'),
      tags: fc.constant([]),
    }),
    { selector: ({ ID }) => ID, maxLength: 12 },
  )
  .map(list => list.sort((a, b) => (a.ID < b.ID ? -1 : 1)))
  .map(identities => PeersPayload.parse({ format: 1, identities }));

test('whoever has an address is found there after every change, and nobody else', () => {
  fc.assert(
    fc.property(fc.array(payload, { maxLength: 8 }), lists => {
      const whereabouts = new Whereabouts();
      for (const list of lists) {
        whereabouts.follow(list);
        for (let at = 0; at <= 12; at++) {
          const asked = at % 3 === 0 ? `2001:db8:0::${at}` : `10.0.0.${at}`;
          const text = at % 3 === 0 ? `2001:db8::${at}` : asked;
          const having = list.identities.filter(({ addresses }) => addresses.includes(text));
          const found = whereabouts.find(asked);
          if (having.length === 0) expect(found).toBeUndefined();
          else expect(having.map(({ ID, namespace }) => ({ ID, namespace }))).toContainEqual(found);
        }
      }
    }),
  );
});

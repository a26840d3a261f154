import fc from 'fast-check';
import { expect, test } from 'vitest';
import { PeerList } from '../../shared/core/peer-list.ts';
import { PeersPayload } from '../../shared/schema/bundle.ts';

const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 6 }),
  fc.constantFrom('}]},{"ID":"', '{"ID":"0', '"', '\\', ']}'),
);
const peer = fc.record({
  ID: fc.nat(40).map(number => number.toString(16).padStart(24, '0')),
  addresses: fc.array(text, { maxLength: 2 }),
  namespace: fc.constantFrom('/t', '/t/a'),
  tags: fc.array(
    text.map(value => `a=${value}x`),
    { maxLength: 2 },
  ),
});
const payload = fc
  .uniqueArray(peer, { selector: ({ ID }) => ID, maxLength: 20 })
  .map(list => list.sort((a, b) => (a.ID < b.ID ? -1 : 1)))
  .map(identities => PeersPayload.parse({ format: 1, identities }));
const bytesOf = (of: PeersPayload): Uint8Array => new TextEncoder().encode(JSON.stringify(of));

test('a list is the payload that its bytes say', () => {
  fc.assert(
    fc.property(payload, one => {
      const list = PeerList.read(bytesOf(one));
      expect(list).toEqual(one);
      expect(list.size).toBe(one.identities.length);
      expect([...PeerList.of(one)]).toEqual(one.identities);
    }),
  );
});

test('what came and went since an earlier list is exactly what differs, and a list read after another is the same', () => {
  fc.assert(
    fc.property(payload, payload, (before, after) => {
      const earlier = PeerList.read(bytesOf(before));
      const list = PeerList.read(bytesOf(after), earlier);
      const without = (some: PeersPayload, others: PeersPayload) => {
        const known = new Set(others.identities.map(one => JSON.stringify(one)));
        return some.identities.filter(one => !known.has(JSON.stringify(one)));
      };
      expect(list.since(earlier)).toEqual({ gone: without(before, after), come: without(after, before) });
      expect(list).toEqual(after);
      expect(list.size).toBe(after.identities.length);
    }),
    { numRuns: 500 },
  );
});

test('changes far apart in a long list are found without reading what is between', () => {
  const all = Array.from({ length: 5000 }, (_, at) => ({
    ID: at.toString(16).padStart(24, '0'),
    addresses: [`10.0.${at >> 8}.${at & 255}`],
    namespace: '/t',
    tags: [`app=${at}`],
  }));
  const payloadOf = (identities: readonly unknown[]) => PeersPayload.parse({ format: 1, identities });
  const [one = all[0], two = all[0]] = [all[17], all[4321]];
  const earlier = PeerList.of(payloadOf(all));
  const moved = { ...one, addresses: ['10.9.9.9'] };
  const later = all.filter(peer => peer !== two).map(peer => (peer === one ? moved : peer));
  expect(PeerList.of(payloadOf(later)).since(earlier)).toEqual({ gone: [one, two], come: [moved] });
  expect(earlier.since(PeerList.of(payloadOf([])))).toEqual({ gone: [], come: all });
});

test('what is no list of peers is refused, also where an earlier list was good', () => {
  const good = PeerList.of(PeersPayload.parse({ format: 1, identities: [] }));
  for (const bad of [
    '{"format":1,"identities":[{"ID":"1"}]}',
    '{"format":1,"identities":[,]}',
    '{"format":1,"identities":[1]}',
    '{"format":2,"identities":[]}',
    '{"format":1,"identities":[]',
    '',
  ])
    for (const earlier of [undefined, good])
      expect(() => PeerList.read(Buffer.from(bad), earlier), bad).toThrow();
});

test('another order of keys is the same list', () => {
  const other = Buffer.from(
    '{ "identities": [ { "tags": ["a=b"], "namespace": "/t", "addresses": [], "ID": "000000000000000000000001" } ], "format": 1 }',
  );
  expect(PeerList.read(other).size).toBe(1);
  expect(PeerList.read(other).identities[0]?.tags).toEqual(['a=b']);
});

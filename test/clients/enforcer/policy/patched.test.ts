import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Patched } from '../../../../clients/enforcer/policy/patched.ts';

const key = fc.integer({ min: 0, max: 30 }).map(String);
const change = fc.tuple(key, fc.option(fc.nat(3).map(String), { nil: undefined }));

test('a patched map is the map that all changes together make, and leaves earlier ones as they were', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(key, fc.nat(3).map(String))),
      fc.array(fc.array(change)),
      (first, rounds) => {
        const plain = new Map(first);
        let patched = Patched.of(new Map(first));
        for (const round of rounds) {
          const earlier = { patched, entries: new Map(patched) };
          const changes = new Map(round);
          for (const [at, value] of changes) {
            if (value === undefined) plain.delete(at);
            else plain.set(at, value);
          }
          patched = patched.with(changes);
          expect(new Map(patched)).toEqual(plain);
          expect(patched.size).toBe(plain.size);
          for (const values of [new Set<string>(), new Set(['1']), new Set(['0', '3'])])
            expect([...patched.keysOf(values)].sort()).toEqual(
              [...plain].flatMap(([at, value]) => (values.has(value) ? [at] : [])).sort(),
            );
          for (let at = 0; at <= 30; at++) {
            expect(patched.get(String(at))).toBe(plain.get(String(at)));
            expect(patched.has(String(at))).toBe(plain.has(String(at)));
          }
          expect(new Map(earlier.patched)).toEqual(earlier.entries);
        }
      },
    ),
  );
});

test('many changes are taken into one map, and nothing is lost', () => {
  let patched = Patched.of(new Map<string, number>());
  for (let at = 0; at < 5000; at++) patched = patched.with(new Map([[String(at), at]]));
  expect(patched.size).toBe(5000);
  expect([...patched].length).toBe(5000);
});

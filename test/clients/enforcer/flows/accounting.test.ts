import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Accounting } from '../../../../clients/enforcer/flows/accounting.ts';

const of = (counts: Record<string, number>) => new Map(Object.entries(counts));

test('records that came late are not lost', () => {
  const accounting = new Accounting(new Map());
  expect(accounting.look(of({ a: 10 }), of({ a: 7 }))).toEqual(new Map());
  expect(accounting.look(of({ a: 12 }), of({ a: 10 }))).toEqual(new Map());
  expect(accounting.lost).toEqual(new Map());
});

test('records that never came are found at the next look, once', () => {
  const accounting = new Accounting(new Map());
  accounting.look(of({ a: 10 }), of({ a: 7 }));
  expect(accounting.look(of({ a: 10 }), of({ a: 7 }))).toEqual(of({ a: 3 }));
  expect(accounting.look(of({ a: 10 }), of({ a: 7 }))).toEqual(new Map());
  accounting.look(of({ a: 20 }), of({ a: 16 }));
  expect(accounting.look(of({ a: 20 }), of({ a: 16 }))).toEqual(of({ a: 1 }));
  expect(accounting.lost).toEqual(of({ a: 4 }));
});

test('what was counted before the start is not expected', () => {
  const accounting = new Accounting(of({ a: 1000 }));
  accounting.look(of({ a: 1002 }), of({ a: 2 }));
  expect(accounting.look(of({ a: 1002 }), of({ a: 2 }))).toEqual(new Map());
});

test('a counter that was made anew starts anew, whether the table was flushed or the rule was away', () => {
  for (const between of [[], [of({})]]) {
    const accounting = new Accounting(new Map());
    accounting.look(of({ a: 10 }), of({ a: 10 }));
    for (const counters of between) accounting.look(counters, of({ a: 10 }));
    accounting.look(of({ a: 2 }), of({ a: 11 }));
    expect(accounting.look(of({ a: 2 }), of({ a: 11 }))).toEqual(of({ a: 1 }));
  }
});

test('a counter that was made anew between two looks hides no loss after them', () => {
  const accounting = new Accounting(new Map());
  // Three came, then the table was loaded anew, and one more came.
  accounting.look(of({ a: 1 }), of({ a: 4 }));
  accounting.look(of({ a: 6 }), of({ a: 4 }));
  expect(accounting.look(of({ a: 6 }), of({ a: 4 }))).toEqual(of({ a: 5 }));
});

test('a record that comes after it was given up hides no later loss', () => {
  const accounting = new Accounting(new Map());
  accounting.look(of({ a: 10 }), of({ a: 7 }));
  accounting.look(of({ a: 10 }), of({ a: 7 }));
  accounting.look(of({ a: 10 }), of({ a: 10 }));
  accounting.look(of({ a: 12 }), of({ a: 10 }));
  expect(accounting.look(of({ a: 12 }), of({ a: 10 }))).toEqual(of({ a: 2 }));
});

/** Between two looks: packets whose records came, packets whose records did not, and whether the table is made anew first. */
const stretch = fc.record({ came: fc.nat(20), lost: fc.nat(20), anew: fc.boolean() });

test('what is told as lost is what was lost, also when counters are made anew', () => {
  fc.assert(
    fc.property(fc.array(stretch, { maxLength: 20 }), fc.nat(100), (stretches, base) => {
      const accounting = new Accounting(of({ a: base }));
      let [counter, received, lost] = [base, 0, 0];
      const look = () => accounting.look(of({ a: counter }), of({ a: received }));
      look();
      for (const { came, lost: gone, anew } of stretches) {
        if (anew) counter = 0;
        look();
        counter += came + gone;
        received += came;
        lost += gone;
        look();
      }
      look();
      expect(accounting.lost.get('a') ?? 0).toBe(lost);
    }),
  );
});

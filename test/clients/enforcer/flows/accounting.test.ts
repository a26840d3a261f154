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

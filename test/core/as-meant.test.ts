import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { asMeant, isSameTime } from '../../shared/core/as-meant.ts';
import { Timestamp } from '../../shared/schema/ids.ts';

const schema = z.strictObject({
  name: z.string(),
  when: Timestamp.optional().describe('A time.'),
  made: Timestamp,
  tags: z.array(z.string()).default([]),
  rules: z.array(z.strictObject({ ports: z.array(z.string()).default([]), object: z.string() })).default([]),
  notes: z.record(z.string(), z.array(z.string())).default({}),
  kind: z.discriminatedUnion('is', [
    z.strictObject({ is: z.literal('a'), list: z.array(z.string()).default([]) }),
    z.strictObject({ is: z.literal('b'), other: z.string() }),
  ]),
});

describe('what a client means', () => {
  it.each([
    ['2031-01-01T00:00:00Z', '2031-01-01T00:00:00.000Z'],
    ['2031-01-01T00:00:00.12Z', '2031-01-01T00:00:00.120Z'],
    ['2031-01-01T00:00:00.123456789Z', '2031-01-01T00:00:00.123Z'],
    ['2031-01-01T02:00:00.5+02:00', '2031-01-01T00:00:00.500Z'],
    ['2031-02-30T00:00:00Z', '2031-02-30T00:00:00Z'],
    ['tomorrow', 'tomorrow'],
    ['', ''],
  ])('by the time %s is %s', (said, meant) => {
    expect(asMeant(schema, { when: said, made: said, name: said })).toEqual({
      when: meant,
      made: meant,
      name: said,
    });
  });

  it('by a time in the year 1 is none', () => {
    const sent = { when: '0001-01-01T00:00:00Z', made: '0001-01-01T00:00:00.000Z', name: 'x' };
    expect(asMeant(schema, sent)).toEqual({ name: 'x' });
  });

  it('by null is nothing where there may be nothing, however deep, and null elsewhere', () => {
    const sent = {
      name: null,
      tags: null,
      unknown: null,
      rules: [{ ports: null, object: null }],
      notes: { a: null, b: ['c'] },
      kind: { is: 'a', list: null },
    };
    expect(asMeant(schema, sent)).toEqual({
      name: null,
      unknown: null,
      rules: [{ object: null }],
      notes: { b: ['c'] },
      kind: { is: 'a' },
    });
    expect(asMeant(schema, { kind: { is: 'c', list: null } })).toEqual({ kind: { is: 'c', list: null } });
  });

  it('by what is right already is the same', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5 }), value => {
        fc.pre(!JSON.stringify(value).includes('null'));
        expect(asMeant(z.strictObject({ a: z.unknown() }), { a: value })).toEqual({ a: value });
        expect(asMeant(schema, value)).toEqual(value);
      }),
    );
  });

  it('by two times is one moment, when it is', () => {
    expect(isSameTime('2031-01-01T00:00:00.120Z', '2031-01-01T00:00:00.12Z')).toBe(true);
    expect(isSameTime('2031-01-01T00:00:00.120Z', '2031-01-01T00:00:00.121Z')).toBe(false);
    expect(isSameTime(undefined, undefined)).toBe(false);
  });
});

import { describe, expect, it } from 'vitest';
import { compile } from '../../../local/asl/template.ts';
import { testClock } from '../../make/clock.ts';

const clock = testClock();
const evaluated = (expression: string, input: null | string | number[] = null) =>
  compile(`{% ${expression} %}`)({
    states: { input, context: {} },
    variables: { v: 7 },
    chance: { now: clock.now(), randomBytes: clock.randomBytes },
  });

describe('functions of Step Functions', () => {
  it.each<[string, unknown]>([
    ['$partition([1..5], 2)', [[1, 2], [3, 4], [5]]],
    ['$range(1, 9, 4)', [1, 5, 9]],
    ['$range(3, 1, -1)', [3, 2, 1]],
    ["$hash('abc', 'SHA-1')", 'a9993e364706816aba3e25717850c26c9cd0d89d'],
    ["$hash('abc', 'MD5')", '900150983cd24fb0d6963f7d28e17f72'],
    [`$parse('{"a":[1]}').a`, [1]],
    ['$now()', '2026-03-01T12:00:00.000Z'],
    ['$millis()', Date.parse('2026-03-01T12:00:00.000Z')],
  ])('%s', async (expression, value) => {
    expect(await evaluated(expression)).toEqual(value);
  });

  it('gives chance from the clock alone', async () => {
    expect(await evaluated('$uuid()')).toMatch(
      /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
    );
    const drawn = await Promise.all(Array.from({ length: 50 }, () => evaluated('$random()')));
    for (const value of drawn) expect(value).toSatisfy(n => typeof n === 'number' && n >= 0 && n < 1);
    expect(new Set(drawn).size).toBe(50);
  });

  it.each([
    '$random(1)',
    '$hash("a", "CRC")',
    '$partition([1], 0)',
    '$range(1, 2, 0)',
    "$now('[Y]')",
    "$parse('{')",
  ])('refuses %s with States.QueryEvaluationError', async expression => {
    await expect(evaluated(expression)).rejects.toMatchObject({ name: 'States.QueryEvaluationError' });
  });
});

describe('an expression', () => {
  it('sees variables and $states, and no input of its own', async () => {
    expect(await evaluated('$v + $states.input', null).catch(error => error.name)).toBe(
      'States.QueryEvaluationError',
    );
    expect(await evaluated('$v & $states.input', '!')).toBe('7!');
    await expect(evaluated('$')).rejects.toMatchObject({ name: 'States.QueryEvaluationError' });
  });

  it('gives plain JSON, not what JSONata adds to arrays', async () => {
    expect(Object.getOwnPropertyNames(await evaluated('$states.input[$ > 1]', [1, 2, 3]))).toEqual([
      '0',
      '1',
      'length',
    ]);
  });

  it.each([
    '$nothing',
    '$states.input.nothing',
    '$sum',
    '[$sum]',
    '{"f": function($x) { $x }}',
    "$error('no')",
    '1 + "a"',
  ])('that cannot give JSON fails: %s', async expression => {
    await expect(evaluated(expression)).rejects.toMatchObject({ name: 'States.QueryEvaluationError' });
  });

  it('that never ends is cut off', async () => {
    const endless = compile('{% ($f := function($n) { $f($n + 1) }; $f(0)) %}', 50);
    const chance = { now: clock.now(), randomBytes: clock.randomBytes };
    await expect(
      endless({ states: { input: null, context: {} }, variables: {}, chance }),
    ).rejects.toMatchObject({
      name: 'States.QueryEvaluationError',
    });
  });
});

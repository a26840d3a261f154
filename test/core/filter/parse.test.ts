import { describe, expect, it, test } from 'vitest';
import type { Expression, Literal } from '../../../shared/core/filter/ast.ts';
import { DEEPEST, LONGEST, parseFilter } from '../../../shared/core/filter/parse.ts';
import { refusal } from './ask.ts';

const literal = (value: Literal): string => {
  if (value.kind === 'text') return `"${value.text}"`;
  if (value.kind === 'list') return `[${value.items.map(literal).join(' ')}]`;
  if (value.kind === 'instant') return new Date(value.instant).toISOString();
  return value.kind === 'now' ? `now${value.offset}ms` : String(value.value);
};

/** The expression with every bracket written out. */
function spelled(expression: Expression): string {
  if (expression.kind === 'and' || expression.kind === 'or') {
    return `(${expression.of.map(spelled).join(` ${expression.kind} `)})`;
  }
  if (expression.kind === 'not' || expression.kind === 'contains' || expression.kind === 'within') {
    throw new Error(`${expression.kind} is no part of the language`);
  }
  const { key } = expression;
  if (expression.kind === 'compare') return `${key}${expression.operator}${literal(expression.value)}`;
  if (expression.kind === 'matches') return `${key}~${expression.patterns.join('~')}`;
  const not = expression.negated ? '!' : '';
  return expression.kind === 'exists'
    ? `${not}${key}`
    : `${not}${key} in ${literal({ kind: 'list', items: expression.values })}`;
}
const read = (text: string): string => spelled(parseFilter(text).root);

describe('a filter is read', () => {
  test.each([
    ['name == web', 'name=="web"'],
    ['name==web', 'name=="web"'],
    ['  "name"  !=  \'web\'  ', 'name!="web"'],
    ['a<1', 'a<1'],
    ['a <= 1.5', 'a<=1.5'],
    ['a > -2', 'a>-2'],
    ['a >= 1e3', 'a>=1000'],
    ['a == 10.0.0.1', 'a=="10.0.0.1"'],
    ['a == 2018-04-26', 'a=="2018-04-26"'],
    ['a == TRUE', 'a==true'],
    ['a == "true"', 'a=="true"'],
    ['a == truely', 'a=="truely"'],
    ['a == nowadays', 'a=="nowadays"'],
    ['a == datetime', 'a=="datetime"'],
    ['a == now', 'a=="now"'],
    ['a == android', 'a=="android"'],
    ['orange == inside', 'orange=="inside"'],
    ['associatedTags contains color=blue', 'associatedTags in ["color=blue"]'],
    ['t CONTAINS [a, "b c", 3, false]', 't in ["a" "b c" 3 false]'],
    ['t Not Contains a', '!t in ["a"]'],
    ['t in [a,]', 't in ["a"]'],
    ['t in []', 't in []'],
    ['t not in [[a, b], [c]]', '!t in [["a" "b"] ["c"]]'],
    ['t == [a]', 't==["a"]'],
    ['a exists', 'a'],
    ['a NOT EXISTS', '!a'],
    ['a notexists', '!a'],
    ['a matches ["^x", y]', 'a~^x~y'],
    ['@sys:usr:key == 1', '@sys:usr:key==1'],
    ['$name == /a/b/*', '$name=="/a/b/*"'],
    ['"tag==toto"=="3==5"', 'tag==toto=="3==5"'],
    ['"=="!="=="', '==!="=="'],
    ['t > date("2018-04-26")', 't>2018-04-26T00:00:00.000Z'],
    ['t > date(2018-04-26 23:50)', 't>2018-04-26T23:50:00.000Z'],
    ["t > date ( '2018-04-26T23:50:30.5+02:00' )", 't>2018-04-26T21:50:30.500Z'],
    ['t > now()', 't>now0ms'],
    ['t > now("-1h30m")', 't>now-5400000ms'],
    ['t < now(1.5s)', 't<now1500ms'],
  ])('%s', (text, expected) => expect(read(text)).toBe(expected));

  test.each([
    ['a\\ b == c\\=d', 'a b=="c=d"'],
    [`a == "x\\"y'z"`, `a=="x"y'z"`],
    [`a == 'x\\'y"z\\\\'`, `a=="x'y"z\\"`],
    // A pattern keeps its backslashes; one written twice is one.
    ['a matches "^\\d+\\\\.x\\"$"', 'a~^\\d+\\.x"$'],
  ])('with the backslashes of %s', (text, expected) => expect(read(text)).toBe(expected));
});

describe('`and` and `or` have no precedence and are read from the left', () => {
  test.each([
    ['a==1 or b==2 and c==3', '((a==1 or b==2) and c==3)'],
    ['a==1 and b==2 or c==3', '((a==1 and b==2) or c==3)'],
    ['a==1 AND b==2 And c==3', '(a==1 and b==2 and c==3)'],
    ['a==1 or b==2 and c==3 or d==4', '(((a==1 or b==2) and c==3) or d==4)'],
    ['a==1 or (b==2 and c==3)', '(a==1 or (b==2 and c==3))'],
    ['((a==1))', 'a==1'],
    [
      'name == toto and value == 38.9000 and ((name == toto and name == tata) or (age == 31 and age == 32) or protected in [true, false])',
      '(name=="toto" and value==38.9 and ((name=="toto" and name=="tata") or (age==31 and age==32) or protected in [true false]))',
    ],
  ])('%s', (text, expected) => expect(read(text)).toBe(expected));
});

describe('what cannot be read is refused, with the place', () => {
  const refused = (text: string): string => refusal('namespace', text);

  test.each([
    ['', 1, 'expected `(` or a word, found the end'],
    ['   ', 4, 'expected `(` or a word, found the end'],
    ['not exists', 1, 'found `not`'],
    ['name', 5, 'expected one of ==, !=, <, <=, >, >=, contains, in, matches, exists'],
    ['key and chris', 5, 'found `and`'],
    ['key" == chris', 4, 'found `"`'],
    ['key = chris', 5, 'found `=`'],
    ['a == and', 6, 'expected `[` or a value, found `and`'],
    ['a == \u00e9', 6, 'found `\u00e9`'],
    ['a == hello world', 12, 'found `world`; put quotes around what has spaces or signs in it'],
    ['a == "hello', 12, 'a double quote is not closed'],
    ['a == \'hello"', 13, 'a single quote is not closed'],
    ['a not matches x', 7, 'found `matches`'],
    ['a not == x', 7, 'found `=`'],
    ['a exists value', 10, 'expected `and`, `or` or the end, found `value`'],
    ['a contains "1" an b == 2', 16, 'found `an`'],
    ['(a == b', 8, 'expected `)`, `and` or `or`, found the end'],
    ['a == b)', 7, 'found `)`'],
    ['a in [x y]', 9, 'expected `,` or `]`, found `y`'],
    ['a in [x', 8, 'expected `,` or `]`, found the end'],
    ['a > date("2012-24-2")', 5, 'date("2012-24-2") is no date; write it as 2018-04-26'],
    ['a > date("2023-02-30")', 5, 'is no date'],
    ['a > date(soon)', 5, 'is no date'],
    ['a > now("soon")', 5, 'now("soon") is no duration from now'],
    [`a > now("${'9h'.repeat(9)}")`, 5, 'is no duration from now'],
    [`${'('.repeat(DEEPEST + 1)}a == 1`, DEEPEST + 1, 'nested more than 32 deep'],
    [`a in ${'['.repeat(DEEPEST + 1)}`, DEEPEST + 6, 'nested more than 32 deep'],
  ])('%s', (text, character, reason) => {
    expect(refused(text)).toContain(`filter q, character ${character}: `);
    expect(refused(text)).toContain(reason);
  });

  it('when it is too long, without being read', () => {
    const text = `a == ${'x'.repeat(LONGEST - 5)}`;
    expect(read(text)).toMatch(/^a=="x+"$/);
    expect(refused(`${text}x`)).toContain(`it is ${LONGEST + 1} characters long; ${LONGEST} are read`);
  });

  it('points with a caret, also into a long text and past a line break', () => {
    const shows = (text: string) => refused(text).split('\n').slice(1);
    expect(shows('key and value')).toEqual(['key and value', '    ^']);
    expect(shows('key\n\u2028and value')).toEqual(['key  and value', '    ^']);
    const [line = '', caret = ''] = shows(`name == ${'x'.repeat(200)} oops ${'y'.repeat(200)}`);
    expect(line.length).toBeLessThanOrEqual(120);
    expect(line.slice(caret.indexOf('^'))).toMatch(/^oops /);
  });
});

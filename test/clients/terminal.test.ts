import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { printable, printableJson, printableText, printableYaml } from '../../clients/terminal.ts';

test.each([
  ['a line\n\tand one that is indented\n', 'a line\n\tand one that is indented\n'],
  ['Zürich → 東京', 'Zürich → 東京'],
  ['\u001b[2J\u001b]0;title\u0007', '\\x1b[2J\\x1b]0;title\\x07'],
  ['gone\rallowed', 'gone\\x0dallowed'],
  ['\u009b31m', '\\x9b31m'],
  ['\u202etxt.exe', '\\u202etxt.exe'],
  ['web\u200b and \u200fweb', 'web\\u200b and \\u200fweb'],
])('%j is printed as %j', (text, wanted) => expect(printableText(text)).toBe(wanted));

test('what stands in one line or cell keeps no line of its own, and turns no direction of writing', () => {
  expect(printable('two\nlines\u2066')).toBe('two\\x0alines\\u2066');
});

/** What terminals act on, but ends of lines and tabs, and what they do not show. */
const UNSEEN =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  /[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2064\u2066-\u2069\ufeff]/;

const hostile = fc.string({
  unit: fc.constantFrom(
    ...[
      'a',
      ' ',
      ':',
      '#',
      '-',
      '"',
      "'",
      '\\',
      '\n',
      '\r',
      '\t',
      '\u001b[2J',
      '\u009b31m',
      '\u007f',
      '\u0085',
      '\u2028',
    ],
    ...['\u202e', '\u2066', '\u200b', '\ufeff', 'é', '東', '\u{1f600}', '|', '{', '*', '&', '!'],
  ),
  maxLength: 30,
});

test.each<[string, (value: unknown) => string, (text: string) => unknown]>([
  ['JSON', value => printableJson(value), JSON.parse],
  ['indented JSON', value => printableJson(value, 2), JSON.parse],
  ['YAML', value => printableYaml(value), text => parse(text)],
  [
    'YAML for older readers',
    value => printableYaml(value, { lineWidth: 0, aliasDuplicateObjects: false, compat: 'yaml-1.1' }),
    text => parse(text),
  ],
])('%s has nothing that a terminal acts on or hides, and reads as the same value', (_, write, read) => {
  const value = fc.letrec(tie => ({
    any: fc.oneof({ maxDepth: 3 }, hostile, fc.integer(), tie('list'), tie('map')),
    list: fc.array(tie('any'), { maxLength: 4 }),
    map: fc.dictionary(
      hostile.filter(key => key !== '__proto__'),
      tie('any'),
      { maxKeys: 4, noNullPrototype: true },
    ),
  })).any;
  fc.assert(
    fc.property(value, one => {
      const text = write({ one });
      expect(text).not.toMatch(UNSEEN);
      expect(read(text)).toEqual({ one });
    }),
    { numRuns: 500, examples: [[' \n']] },
  );
});

import { expect, test } from 'vitest';
import { printable, printableText } from '../../clients/terminal.ts';

test.each([
  ['a line\n\tand one that is indented\n', 'a line\n\tand one that is indented\n'],
  ['Zürich → 東京', 'Zürich → 東京'],
  ['\u001b[2J\u001b]0;title\u0007', '\\x1b[2J\\x1b]0;title\\x07'],
  ['gone\rallowed', 'gone\\x0dallowed'],
  ['\u009b31m', '\\x9b31m'],
  ['\u202etxt.exe', '\\u202etxt.exe'],
])('%j is printed as %j', (text, wanted) => expect(printableText(text)).toBe(wanted));

test('what stands in one line or cell keeps no line of its own, and turns no direction of writing', () => {
  expect(printable('two\nlines\u2066')).toBe('two\\x0alines\\u2066');
});

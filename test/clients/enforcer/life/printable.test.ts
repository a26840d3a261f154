import { expect, test } from 'vitest';
import { printable } from '../../../../clients/enforcer/life/printable.ts';

test.each([
  ['a line\n\tand one that is indented\n', 'a line\n\tand one that is indented\n'],
  ['Zürich → 東京', 'Zürich → 東京'],
  ['\u001b[2J\u001b]0;title\u0007', '\\u001b[2J\\u001b]0;title\\u0007'],
  ['gone\rallowed', 'gone\\u000dallowed'],
  ['\u009b31m', '\\u009b31m'],
  ['\u202etxt.exe', '\\u202etxt.exe'],
])('%j is printed as %j', (text, wanted) => expect(printable(text)).toBe(wanted));

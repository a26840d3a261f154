import fc from 'fast-check';
import { expect, it, test } from 'vitest';
import { keyCondition } from '../../../shared/core/filter/key-condition.ts';
import { parseFilters } from '../../../shared/core/filter/parse.ts';
import { resourceOf } from '../../../shared/schema/resources.ts';
import { passes } from './ask.ts';

const indexed = new Set(['ID', 'machineID']);
const lookups = (...texts: string[]): string[] | undefined =>
  keyCondition(parseFilters(texts), resourceOf('enforcer'), indexed)?.map(
    ({ attribute, value }) => `${attribute}=${value}`,
  );

test.each([
  [['ID == a'], ['ID=a']],
  [['id == a'], ['ID=a']],
  [['ID == 12'], ['ID=12']],
  [['ID in [a, b, a]'], ['ID=a', 'ID=b']],
  [['ID contains a'], ['ID=a']],
  [['ID == a and name == x'], ['ID=a']],
  [['name == x and (ID == a or machineID == b)'], ['ID=a', 'machineID=b']],
  [['ID in [a, b] and machineID == c'], ['machineID=c']],
  [
    ['ID == a', 'ID == b'],
    ['ID=a', 'ID=b'],
  ],
  [['ID in []'], []],
  [['name == x'], undefined],
  [['ID == a or name == x'], undefined],
  [['name == x and name == y or ID == a'], undefined],
  [['ID == a', 'name == x'], undefined],
  [['ID != a'], undefined],
  [['ID not in [a]'], undefined],
  [['ID > a'], undefined],
  [['ID matches "^a$"'], undefined],
  [['ID exists'], undefined],
  [['ID == ""'], undefined],
  [['ID in [a, [b]]'], undefined],
  [['ID == now()'], undefined],
  [['$ID == a'], undefined],
  [['bundle.state == applied'], undefined],
  [[`machineID == ${'\u{1f600}'.repeat(250).replace(/^|$/g, '"')}`], undefined],
])('%j is looked up as %j', (texts, expected) => expect(lookups(...texts)).toEqual(expected));

it('loses nothing: an object that passes has one of the values looked up', () => {
  const value = fc.constantFrom('a', 'b', 'c');
  const comparison = fc
    .tuple(
      fc.constantFrom('ID', 'machineID', 'name'),
      fc.constantFrom('==', '!=', 'in', 'not in', '>='),
      value,
      value,
    )
    .map(([key, operator, one, other]) =>
      operator.endsWith('in') ? `${key} ${operator} [${one}, ${other}]` : `${key} ${operator} ${one}`,
    );
  const { text } = fc.letrec<{ text: string }>(tie => ({
    text: fc.oneof(
      { maxDepth: 3 },
      comparison,
      fc
        .tuple(tie('text'), fc.constantFrom('and', 'or'), tie('text'))
        .map(([left, word, right]) => `(${left}) ${word} ${right}`),
    ),
  }));
  fc.assert(
    fc.property(
      fc.array(text, { minLength: 1, maxLength: 2 }),
      value,
      value,
      value,
      (texts, ID, machineID, name) => {
        const found = lookups(...texts);
        if (found && passes('enforcer', { ID, machineID, name }, ...texts)) {
          expect([`ID=${ID}`, `machineID=${machineID}`].some(each => found.includes(each))).toBe(true);
        }
      },
    ),
    { numRuns: 500 },
  );
});

import fc from 'fast-check';
import { expect, it } from 'vitest';
import { DEEPEST, LONGEST, parseFilter } from '../../../shared/core/filter/parse.ts';
import { Failure } from '../../../shared/schema/failure.ts';
import { cpuTime } from '../../make/cpu-time.ts';
import { passes } from './ask.ts';

/** A small interpreter of its own: operands in the order of the text, each word applied to all that is left of it. */
type Chain = { first: Operand; rest: ['and' | 'or', Operand][] };
type Operand = { chain: Chain } | Test;
interface Test {
  key: 'name' | 'description' | 'associatedTags' | 'propagate';
  operator:
    | '=='
    | '!='
    | '<'
    | '<='
    | '>'
    | '>='
    | 'contains'
    | 'not contains'
    | 'in'
    | 'not in'
    | 'exists'
    | 'not exists';
  values: (string | boolean)[];
}
type Network = Partial<Record<Test['key'], string | boolean | string[]>>;

function truth(test: Test, object: Network): boolean {
  const there = object[test.key];
  const [value = ''] = test.values;
  const all = there === undefined ? [] : Array.isArray(there) ? there : [there];
  const has = (wanted: string | boolean) =>
    all.some(each => (typeof each === 'string' ? each === String(wanted) : each === wanted));
  const ordered = (fits: (each: string | boolean) => boolean) =>
    all.some(each => (typeof each === 'string' || typeof value === 'boolean') && fits(each));
  switch (test.operator) {
    case '==':
      return has(value) || (value === false && there === undefined);
    case '!=':
      return !(has(value) || (value === false && there === undefined));
    case '<':
      return ordered(each => each < (typeof each === 'string' ? String(value) : value));
    case '<=':
      return ordered(each => each <= (typeof each === 'string' ? String(value) : value));
    case '>':
      return ordered(each => each > (typeof each === 'string' ? String(value) : value));
    case '>=':
      return ordered(each => each >= (typeof each === 'string' ? String(value) : value));
    case 'contains':
    case 'in':
      return test.values.some(has);
    case 'not contains':
    case 'not in':
      return !test.values.some(has);
    case 'exists':
      return there !== undefined;
    case 'not exists':
      return there === undefined;
  }
}

const meaning = ({ first, rest }: Chain, object: Network): boolean => {
  const of = (operand: Operand) =>
    'chain' in operand ? meaning(operand.chain, object) : truth(operand, object);
  return rest.reduce(
    (left, [word, right]) => (word === 'and' ? left && of(right) : left || of(right)),
    of(first),
  );
};

const text = fc.constantFrom('a', 'b', 'b c', 'true', '', 'x"y', "it's", 'back\\slash', 'key=b');
const Value = fc.oneof({ weight: 4, arbitrary: text }, { weight: 1, arbitrary: fc.boolean() });
const Comparison: fc.Arbitrary<Test> = fc.record({
  key: fc.constantFrom('name', 'description', 'associatedTags', 'propagate'),
  operator: fc.constantFrom(
    '==',
    '!=',
    '<',
    '<=',
    '>',
    '>=',
    'contains',
    'not contains',
    'in',
    'not in',
    'exists',
    'not exists',
  ),
  values: fc.array(Value, { minLength: 1, maxLength: 3 }),
});
const { chain: AnyChain } = fc.letrec<{ chain: Chain; operand: Operand }>(tie => ({
  chain: fc.record({
    first: tie('operand'),
    rest: fc.array(fc.tuple(fc.constantFrom('and', 'or'), tie('operand')), { maxLength: 4 }),
  }),
  operand: fc.oneof({ maxDepth: 3 }, Comparison, fc.record({ chain: tie('chain') })),
}));

/** Writes a chain in one of the many ways: quotes, capitals and spaces as the numbers say. */
function written(chain: Chain, ways: () => number): string {
  const one = <T>(...choices: [T, ...T[]]): T => choices[ways() % choices.length] ?? choices[0];
  const cased = (word: string) => one(word, word.toUpperCase(), word[0]?.toUpperCase() + word.slice(1));
  const gap = () => one(' ', '  ', '\n', '\t ');
  const value = (each: string | boolean): string => {
    // A text is compared with the truth value as it is written, so that capitals would matter.
    if (typeof each === 'boolean') return String(each);
    if (/^[a-z]+(=[a-z]+)?$/.test(each) && each !== 'true' && one(true, false)) return each;
    const quote = one('"', "'");
    return quote + each.replaceAll('\\', '\\\\').replaceAll(quote, `\\${quote}`) + quote;
  };
  const compared = ({ key, operator, values }: Test): string => {
    const words = operator.split(' ').map(cased).join(gap());
    const name = one(key, `"${key}"`, key.toUpperCase());
    if (operator.endsWith('exists')) return name + gap() + words;
    const [first = ''] = values;
    if (!/^(not )?(contains|in)$/.test(operator))
      return name + one('', gap()) + words + one('', gap()) + value(first);
    return `${name}${gap()}${words}${gap()}${values.length === 1 ? one(value(first), `[${value(first)}]`) : `[${values.map(value).join(one(',', ', ', ' ,'))}]`}`;
  };
  const operand = (each: Operand): string =>
    'chain' in each ? `(${one('', gap())}${written(each.chain, ways)}${one('', gap())})` : compared(each);
  return (
    operand(chain.first) +
    chain.rest.map(([word, each]) => gap() + cased(word) + gap() + operand(each)).join('')
  );
}

const AnyNetwork: fc.Arbitrary<Network> = fc.record(
  {
    name: text,
    description: text,
    associatedTags: fc.uniqueArray(text, { maxLength: 3 }),
    propagate: fc.boolean(),
  },
  { requiredKeys: [] },
);

it('a filter means what a small interpreter of its own says, however it is written', () => {
  const seen = { true: 0, false: 0 };
  fc.assert(
    fc.property(AnyChain, AnyNetwork, fc.infiniteStream(fc.nat()), (chain, object, ways) => {
      const filter = written(chain, () => ways.next().value ?? 0);
      fc.pre(filter.length <= LONGEST);
      const expected = meaning(chain, object);
      seen[`${expected}`] += 1;
      expect(passes('externalnetwork', object, filter), filter).toBe(expected);
    }),
    { numRuns: 1000 },
  );
  expect(Math.min(seen.true, seen.false)).toBeGreaterThan(100);
});

/** Nothing but a refusal may come out, and soon. */
function readsOrRefuses(...texts: string[]): void {
  const worked = cpuTime();
  try {
    passes('enforcer', { name: 'x'.repeat(1000), normalizedTags: ['$a=b'] }, ...texts);
  } catch (error) {
    if (!(error instanceof Failure) || error.kind !== 'bad_request') throw error;
  }
  expect(worked(), texts.join(' | ').slice(0, 500)).toBeLessThan(1000);
}

it('any text is read or refused, whatever it is', () => {
  const word = fc.constantFrom(
    'name',
    '==',
    '!=',
    '<',
    '(',
    ')',
    '[',
    ']',
    ',',
    'and',
    'or',
    'not',
    'in',
    'contains',
    'matches',
    'exists',
    'true',
    '1e999',
    '-',
    '.5',
    '"',
    "'",
    '\\',
    'date(',
    'now(',
    '"x"',
    '"("',
    '$name',
    '__proto__',
    'bundle.',
    '\u0000',
    '\ud800',
    ' ',
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string({ unit: 'binary' }),
        fc.array(word, { maxLength: 40 }).map(words => words.join('')),
      ),
      filter => readsOrRefuses(filter),
    ),
    { numRuns: 1000 },
  );
});

it('any pattern is matched or refused', () => {
  const part = fc.constantFrom(
    'a',
    '.',
    '\\d',
    '\\pL',
    '[^x]',
    '(',
    ')',
    '(?i)',
    '(?:',
    '*',
    '+',
    '?',
    '{0,30}',
    '{5}',
    '{1000}',
    '|',
    '^',
    '$',
    '\\b',
    '\\1',
    '(?=',
    '[',
    '\\',
    '\\Q',
    '\u00e9',
    '\ud83d',
  );
  fc.assert(
    fc.property(fc.array(part, { maxLength: 60 }), parts => {
      readsOrRefuses(`name matches "${parts.join('').replaceAll('"', '')}"`);
    }),
    { numRuns: 300 },
  );
});

it.each([
  ['brackets', '('.repeat(LONGEST)],
  ['open lists', `name in ${'['.repeat(LONGEST - 8)}`],
  ['closed brackets', `${'('.repeat(DEEPEST)}name exists${')'.repeat(DEEPEST)}`],
  ['brackets in a row', `${'(name==a)and'.repeat(300)}(name==a)`],
  ['words', `${'name==a or '.repeat(370)}name==a`],
  ['a long list', `name in [${'a,'.repeat(2000)}]`],
  ['spaces', `name${' '.repeat(4000)}== a`],
  ['quotes', '"\\'.repeat(2000)],
  ['backslashes', `name == ${'\\'.repeat(4000)}`],
  ['stars', `name matches "${'(a*)*'.repeat(50)}b"`],
  ['classes', `name matches "${'[^y]*'.repeat(50)}z"`],
  ['repeats', `name matches "${'(?:(?:x?){31}){31}'.repeat(12)}y"`],
  ['large classes', `name matches "${'(?i)[\\pL\\pN]{199}'.repeat(5)}"`],
  ['many patterns', `name matches [${Array(15).fill('"(.?){999}z"')}]`],
])('%s without end are read or refused within a second', (_, filter) => readsOrRefuses(filter));

it('as many operands as fit are kept', () => {
  const { root } = parseFilter(`${'name==a or '.repeat(300)}name==b`);
  expect(root.kind === 'or' && root.of.length).toBe(301);
});

import { fail } from '../../schema/failure.ts';
import type { Filter } from './ast.ts';
import { mistake } from './mistake.ts';
import { type Expected, type SyntaxError as Mistaken, parse } from './parser.js';
import { readTime } from './time.ts';

/** Characters of a filter. */
export const LONGEST = 4096;
/** Filters of a request. */
export const MOST_FILTERS = 16;
/** Brackets in brackets. */
export const DEEPEST = 32;

const OPERATORS =
  'one of ==, !=, <, <=, >, >=, contains, in, matches, exists, not contains, not in, not exists';

/** What the grammar expected, as a person would say it. Quotes and `date(` are ways to write a value. */
const NAMES: Readonly<Record<string, string | undefined>> = {
  'white space': undefined,
  '"': undefined,
  "'": undefined,
  date: undefined,
  now: undefined,
  'an operator': OPERATORS,
};

const nameOf = (one: Expected): string | undefined => {
  if (one.type === 'end') return 'the end';
  if (one.type !== 'literal' && one.type !== 'other') return undefined;
  const name = one.type === 'literal' ? one.text : one.description;
  if (Object.hasOwn(NAMES, name)) return NAMES[name];
  return one.type === 'literal' ? `\`${name}\`` : name;
};

/** The word or the sign that stands at the place. */
const foundAt = (text: string, at: number): string => {
  const found = /^(?:[\w@:$#./*\\-]{1,40}|[\s\S])/u.exec(text.slice(at))?.[0];
  return found === undefined ? 'the end' : `\`${found}\``;
};

const listed = (names: readonly string[]): string =>
  names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} or ${names.at(-1)}`;

function reasonOf({ expected, message }: Mistaken, text: string, at: number): string {
  if (!expected) return message;
  const names = new Set(expected.map(nameOf).filter(name => name !== undefined));
  if (names.has('a value')) names.delete('a word');
  const reason = `expected ${listed([...names].sort())}, found ${foundAt(text, at)}`;
  return names.has('the end') && at < text.length
    ? `${reason}; put quotes around what has spaces or signs in it`
    : reason;
}

/** Reads one value of `q`. Fails with `bad_request`, which says where and what was expected. */
export function parseFilter(text: string): Filter {
  if (text.length > LONGEST) {
    throw mistake(text, LONGEST, `it is ${text.length} characters long; ${LONGEST} are read`);
  }
  try {
    return { text, root: parse(text, { depth: DEEPEST, time: readTime }) };
  } catch (error) {
    const wrong = syntaxMistake(error, text);
    throw wrong ? mistake(text, wrong.at, wrong.reason) : error;
  }
}

/** What an error of a generated parser says, and where; undefined for any other error. */
export function syntaxMistake(error: unknown, text: string): { at: number; reason: string } | undefined {
  if (!(error instanceof Error && 'location' in error && 'expected' in error)) return undefined;
  const mistaken = error as Mistaken;
  const at = mistaken.location.start.offset;
  return { at, reason: reasonOf(mistaken, text, at) };
}

/** Reads all values of `q`, which are joined by or. */
export function parseFilters(texts: readonly string[]): Filter[] {
  if (texts.length <= MOST_FILTERS) return texts.map(parseFilter);
  throw fail(
    'bad_request',
    `q stands ${texts.length} times, ${MOST_FILTERS} are read; join filters with or`,
    {
      attribute: 'q',
    },
  );
}

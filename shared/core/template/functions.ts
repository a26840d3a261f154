import { stringify } from 'yaml';
import { type Budget, spend, spendWhole } from './budget.ts';
import {
  compare,
  dict,
  divisor,
  has,
  indent,
  index,
  list,
  mapping,
  number,
  quoted,
  range,
  refuse,
  same,
  splitAtMost,
  sum,
  text,
  title,
  toInt,
  toNumber,
  trimmed,
  unique,
} from './operations.ts';
import { firstMatch, isMatch, replaceAll } from './patterns.ts';
import { printf } from './printf.ts';
import { entry, isEmpty, isMapping, isNothing, keysOf, kindOf, textOf, type Value } from './value.ts';

/** What a pattern came to, or a refusal of the pattern. */
const known = <T extends Value>(came: T | { why: string }): T =>
  typeof came === 'object' && came !== null && 'why' in came ? refuse(String(came.why)) : came;

interface Definition {
  /** How many arguments it takes; the second number may be infinite. */
  takes: readonly [number, number];
  call: (args: Value[], budget: Budget) => Value;
}

const define = (least: number, most: number, call: Definition['call']): Definition => ({
  takes: [least, most],
  call,
});
const MANY = Number.POSITIVE_INFINITY;
const of = <A extends Value[]>(count: number, call: (...args: A) => Value): Definition =>
  define(count, count, args => call(...(args as A)));
const many = (least: number, call: (...args: Value[]) => Value): Definition =>
  define(least, MANY, args => call(...args));

const printed = (call: (value: Value) => string): Definition =>
  define(1, 1, ([value], budget) => {
    spendWhole(budget, value);
    return call(value);
  });

/**
 * What recipes call. Source: Sprig 3 and Go's own; those that read the clock, chance or the environment are not here,
 * so that a rendering is decided by the template and its values alone.
 */
const definitions: Readonly<Record<string, Definition>> = {
  // Texts.
  abbrev: of(2, (most, value) =>
    text(value).length > number(most) ? `${text(value).slice(0, Math.max(0, number(most) - 3))}...` : value,
  ),
  b64dec: of(1, value => Buffer.from(text(value), 'base64').toString('utf8')),
  b64enc: of(1, value => Buffer.from(text(value), 'utf8').toString('base64')),
  cat: many(0, (...parts) =>
    parts
      .filter(part => !isNothing(part))
      .map(textOf)
      .join(' '),
  ),
  contains: of(2, (part, value) => text(value).includes(text(part))),
  hasPrefix: of(2, (part, value) => text(value).startsWith(text(part))),
  hasSuffix: of(2, (part, value) => text(value).endsWith(text(part))),
  indent: define(2, 2, ([width, value], budget) => indent(width, value, budget)),
  join: of(2, (between, values) =>
    (Array.isArray(values) ? values.map(textOf) : [textOf(values)]).join(text(between)),
  ),
  lower: of(1, value => text(value).toLowerCase()),
  nindent: define(2, 2, ([width, value], budget) => `\n${indent(width, value, budget)}`),
  nospace: of(1, value => text(value).replace(/\s/g, '')),
  quote: many(0, (...values) =>
    values
      .filter(value => !isNothing(value))
      .map(quoted)
      .join(' '),
  ),
  regexFind: define(2, 2, ([pattern, value], budget) =>
    known(firstMatch(text(pattern), text(value), budget)),
  ),
  regexMatch: define(2, 2, ([pattern, value], budget) => known(isMatch(text(pattern), text(value), budget))),
  regexReplaceAll: define(3, 3, ([pattern, value, by], budget) =>
    known(replaceAll([text(pattern), text(value), text(by)], false, budget)),
  ),
  regexReplaceAllLiteral: define(3, 3, ([pattern, value, by], budget) =>
    known(replaceAll([text(pattern), text(value), text(by)], true, budget)),
  ),
  repeat: define(2, 2, ([count, value], budget) => {
    spend(budget, Math.max(0, toInt(count)) * text(value).length);
    return text(value).repeat(Math.max(0, toInt(count)));
  }),
  replace: define(3, 3, ([old, young, value], budget) => {
    const pieces = text(value).split(text(old));
    spend(budget, text(value).length + pieces.length * text(young).length);
    return pieces.join(text(young));
  }),
  split: of(2, (between, value) =>
    dict(
      ...text(value)
        .split(text(between))
        .flatMap((part, at) => [`_${at}`, part]),
    ),
  ),
  splitn: of(3, (between, most, value) =>
    dict(...splitAtMost(text(value), text(between), number(most)).flatMap((part, at) => [`_${at}`, part])),
  ),
  splitList: of(2, (between, value) => text(value).split(text(between))),
  squote: many(0, (...values) =>
    values
      .filter(value => !isNothing(value))
      .map(value => `'${textOf(value)}'`)
      .join(' '),
  ),
  substr: of(3, (from, to, value) =>
    text(value).slice(Math.max(0, number(from)), number(to) < 0 ? undefined : number(to)),
  ),
  title: of(1, value => title(text(value))),
  toString: of(1, textOf),
  toStrings: of(1, values => list(values).map(textOf)),
  trim: of(1, value => text(value).trim()),
  trimAll: of(2, (letters, value) => trimmed(text(letters), text(value), true, true)),
  trimPrefix: of(2, (part, value) =>
    text(value).startsWith(text(part)) ? text(value).slice(text(part).length) : value,
  ),
  trimSuffix: of(2, (part, value) =>
    text(part) !== '' && text(value).endsWith(text(part)) ? text(value).slice(0, -text(part).length) : value,
  ),
  trunc: of(2, (most, value) =>
    number(most) < 0 ? text(value).slice(number(most)) : text(value).slice(0, number(most)),
  ),
  untitle: of(1, value =>
    text(value).replace(
      /(^|\s)(\p{L})/gu,
      (_, before: string, letter: string) => before + letter.toLowerCase(),
    ),
  ),
  upper: of(1, value => text(value).toUpperCase()),
  // Printing.
  print: many(0, (...values) => values.map(textOf).join('')),
  printf: define(1, MANY, ([format, ...values], budget) => {
    for (const value of values) spendWhole(budget, value);
    return printf(text(format), values);
  }),
  println: many(0, (...values) => `${values.map(textOf).join(' ')}\n`),
  toJson: printed(value => JSON.stringify(value ?? null)),
  toPrettyJson: printed(value => JSON.stringify(value ?? null, undefined, 2)),
  toYaml: printed(value =>
    stringify(value ?? null, { aliasDuplicateObjects: false, lineWidth: 0 }).trimEnd(),
  ),
  // Choices.
  coalesce: many(0, (...values) => values.find(value => !isEmpty(value))),
  default: define(1, 2, ([otherwise, value]) => (isEmpty(value) ? otherwise : value)),
  empty: of(1, isEmpty),
  fail: of(1, message => refuse(text(message))),
  required: of(2, (message, value) => (isNothing(value) || value === '' ? refuse(text(message)) : value)),
  ternary: of(3, (yes, no, test) => (test === true ? yes : no)),
  // Comparisons.
  eq: many(2, (value, ...others) => others.some(other => same(value, other))),
  ge: of(2, (a, b) => compare(a, b) >= 0),
  gt: of(2, (a, b) => compare(a, b) > 0),
  le: of(2, (a, b) => compare(a, b) <= 0),
  lt: of(2, (a, b) => compare(a, b) < 0),
  ne: of(2, (a, b) => !same(a, b)),
  not: of(1, isEmpty),
  // Numbers.
  add: many(1, (...numbers) => sum(numbers)),
  add1: of(1, value => toInt(value) + 1),
  atoi: of(1, value => toInt(text(value))),
  div: of(2, (a, b) => Math.trunc(toInt(a) / divisor(b))),
  float64: of(1, toNumber),
  int: of(1, toInt),
  int64: of(1, toInt),
  max: many(1, (...numbers) => numbers.map(toInt).reduce((a, b) => Math.max(a, b))),
  min: many(1, (...numbers) => numbers.map(toInt).reduce((a, b) => Math.min(a, b))),
  mod: of(2, (a, b) => toInt(a) % divisor(b)),
  mul: many(1, (...numbers) => numbers.map(toInt).reduce((a, b) => a * b)),
  sub: of(2, (a, b) => toInt(a) - toInt(b)),
  // Lists.
  append: of(2, (values, value) => [...list(values), value]),
  compact: of(1, values => list(values).filter(value => !isEmpty(value))),
  concat: many(0, (...lists) => lists.flatMap(list)),
  first: of(1, values => list(values)[0]),
  has: of(2, has),
  index: many(1, (value, ...keys) => keys.reduce(index, value)),
  initial: of(1, values => list(values).slice(0, -1)),
  last: of(1, values => list(values).at(-1)),
  len: of(1, value =>
    typeof value === 'string'
      ? Buffer.byteLength(value)
      : Object.keys(isMapping(value) ? value : list(value)).length,
  ),
  list: many(0, (...values) => values),
  prepend: of(2, (values, value) => [value, ...list(values)]),
  rest: of(1, values => list(values).slice(1)),
  reverse: of(1, values => list(values).toReversed()),
  sortAlpha: of(1, values => list(values).map(textOf).sort()),
  tuple: many(0, (...values) => values),
  uniq: of(1, values => unique(list(values))),
  until: of(1, to => range(0, toInt(to), toInt(to) < 0 ? -1 : 1)),
  untilStep: of(3, (from, to, step) => range(toInt(from), toInt(to), toInt(step))),
  without: many(1, (values, ...others) => list(values).filter(value => !has(value, others))),
  // Dicts.
  dict: many(0, dict),
  get: of(2, (value, key) => entry(mapping(value), text(key)) ?? ''),
  hasKey: of(2, (value, key) => Object.hasOwn(mapping(value), text(key))),
  keys: many(1, (...values) => values.flatMap(value => keysOf(mapping(value)))),
  omit: many(1, (value, ...keys) =>
    dict(
      ...keysOf(mapping(value))
        .filter(key => !keys.includes(key))
        .flatMap(key => [key, mapping(value)[key]]),
    ),
  ),
  pick: many(1, (value, ...keys) =>
    dict(
      ...keysOf(mapping(value))
        .filter(key => keys.includes(key))
        .flatMap(key => [key, mapping(value)[key]]),
    ),
  ),
  values: of(1, value => keysOf(mapping(value)).map(key => mapping(value)[key])),
  // Kinds.
  kindIs: of(2, (kind, value) => kindOf(value) === kind),
  kindOf: of(1, kindOf),
};

/** Not to be had: a rendering reads nothing but its values. */
const OUTSIDE = [
  'ago',
  'date',
  'env',
  'expandenv',
  'genCA',
  'getHostByName',
  'now',
  'randAlpha',
  'randAlphaNum',
  'randNumeric',
  'uuidv4',
];

export const functionNames: readonly string[] = ['and', 'or', ...Object.keys(definitions)].sort();

/** Why there is no function of the name; undefined when there is one. */
export function whyNot(name: string): string | undefined {
  if (Object.hasOwn(definitions, name)) return undefined;
  return OUTSIDE.includes(name)
    ? `\`${name}\` reads the clock, chance or the surroundings, and a rendering reads its values only; pass it with --set`
    : `there is no function \`${name}\`; there are ${functionNames.join(', ')}`;
}

/** Calls one of the functions. What it makes is spent, so that values cannot grow without end. */
export function callFunction(name: string, args: Value[], budget: Budget): Value {
  const found = Object.hasOwn(definitions, name) ? definitions[name] : undefined;
  if (!found) return refuse(whyNot(name) ?? name);
  const [least, most] = found.takes;
  if (args.length < least || args.length > most) {
    const wanted = least === most ? `${least}` : most === MANY ? `at least ${least}` : `${least} to ${most}`;
    refuse(`takes ${wanted} arguments, not ${args.length}`);
  }
  for (const arg of args)
    spend(budget, typeof arg === 'object' && arg !== null ? Object.keys(arg).length : 1);
  if (PRINTS.includes(name)) for (const arg of args) spendWhole(budget, arg);
  const made = found.call(args, budget);
  spend(budget, typeof made === 'string' ? made.length : Array.isArray(made) ? made.length : 1);
  return made;
}

/** They walk their arguments to the ground. */
const PRINTS = [
  'cat',
  'eq',
  'has',
  'join',
  'ne',
  'print',
  'println',
  'quote',
  'sortAlpha',
  'squote',
  'toString',
  'toStrings',
  'uniq',
  'without',
];

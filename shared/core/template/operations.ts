import { type Budget, spend } from './budget.ts';
import { briefOf, entry, isMapping, isNothing, type Mapping, textOf, type Value } from './value.ts';

/** Thrown by a function whose arguments do not suit it; the evaluator says where it stands. */
export class Unsuitable extends Error {}

export const refuse = (what: string): never => {
  throw new Unsuitable(what);
};

export const text = (value: Value): string =>
  typeof value === 'string' ? value : refuse(`wants a text, not ${briefOf(value)}; use toString`);
export const number = (value: Value): number =>
  typeof value === 'number' ? value : refuse(`wants a number, not ${briefOf(value)}; use int`);
export const list = (value: Value): readonly Value[] =>
  Array.isArray(value) ? value : refuse(`wants a list, not ${briefOf(value)}`);
export const mapping = (value: Value): Mapping =>
  isMapping(value) ? value : refuse(`wants a dict, not ${briefOf(value)}`);

/** As Sprig turns anything into a number: what is none is 0. */
export const toNumber = (value: Value): number => {
  const read = typeof value === 'object' ? 0 : Number(value ?? 0);
  return Number.isFinite(read) ? read : 0;
};
export const toInt = (value: Value): number => Math.trunc(toNumber(value));

export const quoted = (value: Value): string => JSON.stringify(textOf(value));

export const dict = (...parts: Value[]): Mapping => {
  const made: Record<string, Value> = Object.create(null) as Record<string, Value>;
  for (let at = 0; at < parts.length; at += 2) made[text(parts[at])] = parts[at + 1] ?? '';
  return made;
};

export const same = (a: Value, b: Value): boolean =>
  a === b ||
  (isNothing(a) && isNothing(b)) ||
  (typeof a === 'object' && JSON.stringify(a) === JSON.stringify(b));

export const compare = (a: Value, b: Value): number => {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  if (typeof a === 'string' && typeof b === 'string') return a < b ? -1 : a > b ? 1 : 0;
  return refuse(`cannot compare ${briefOf(a)} with ${briefOf(b)}`);
};

export const indent = (width: Value, value: Value, budget: Budget): string => {
  const spaces = ' '.repeat(Math.max(0, Math.min(1000, number(width))));
  const lines = text(value).split('\n');
  spend(budget, lines.length * spaces.length);
  return lines.map(line => spaces + line).join('\n');
};

export const trimmed = (letters: string, value: string, start: boolean, end: boolean): string => {
  let [from, to] = [0, value.length];
  while (start && from < to && letters.includes(value[from] ?? '')) from += 1;
  while (end && from < to && letters.includes(value[to - 1] ?? '')) to -= 1;
  return value.slice(from, to);
};

export const sum = (numbers: Value[]): number => numbers.reduce<number>((all, one) => all + toInt(one), 0);
export const divisor = (value: Value): number => toInt(value) || refuse('divides by zero');

export const range = (from: number, to: number, step: number): number[] => {
  const count = step === 0 ? 0 : Math.max(0, Math.ceil((to - from) / step));
  if (count > 100_000) refuse(`makes a list of ${count} numbers; 100000 are the most`);
  return Array.from({ length: count }, (_, at) => from + at * step);
};

export const index = (value: Value, key: Value): Value => {
  if (isMapping(value)) return entry(value, text(key));
  const items = typeof value === 'string' ? [...value] : list(value);
  const at = number(key);
  return at >= 0 && at < items.length ? items[at] : refuse(`index ${at} is out of ${items.length}`);
};

export const unique = (values: readonly Value[]): Value[] => [
  ...new Map(values.map(value => [JSON.stringify(value) ?? '', value])).values(),
];

export const has = (needle: Value, values: Value): boolean =>
  !isNothing(values) && list(values).some(value => same(value, needle));

export const title = (value: string): string =>
  value.replace(/(^|\s)(\p{L})/gu, (_, before: string, letter: string) => before + letter.toUpperCase());

/** As Go's SplitN: the last piece holds the rest; less than none are all of them. */
export const splitAtMost = (value: string, between: string, most: number): string[] => {
  const pieces = value.split(between);
  if (most < 0 || pieces.length <= most) return pieces;
  return most === 0 ? [] : [...pieces.slice(0, most - 1), pieces.slice(most - 1).join(between)];
};

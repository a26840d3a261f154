import type { Comparison, Literal, Order } from './ast.ts';
import type { Attribute } from './attribute.ts';
import { mistake } from './mistake.ts';
import { readDate, readDuration, readTimestamp } from './time.ts';

/** What values of objects are compared with. Instants are milliseconds since the epoch. */
export type Value =
  | { kind: 'text'; text: string }
  | { kind: 'number'; value: number; text: string }
  | { kind: 'boolean'; value: boolean; text: string }
  | { kind: 'instant'; instant: number }
  | { kind: 'list'; items: Value[] };

/** A text beside an attribute that holds times is a date, or a duration from now. */
function timeOf(text: string, now: number): number | undefined {
  const offset = readDuration(text);
  return readDate(text) ?? (offset === undefined ? undefined : now + offset);
}

/** Fails with `bad_request` when a value cannot be one of the attribute. `now` in milliseconds since the epoch. */
export function readLiteral(
  literal: Literal,
  { name, isTime }: Attribute,
  { at }: Comparison,
  text: string,
  now: number,
): Value {
  const read = (each: Literal): Value => {
    if (each.kind === 'list') return { kind: 'list', items: each.items.map(read) };
    if (each.kind === 'now') return { kind: 'instant', instant: now + each.offset };
    if (each.kind === 'instant' || !isTime) return each;
    const instant = timeOf(each.text, now);
    if (instant !== undefined) return { kind: 'instant', instant };
    throw mistake(
      text,
      at,
      `${name} is a time, \`${each.text.slice(0, 80)}\` is not; write date("2018-04-26 23:50") or now("-1h")`,
    );
  };
  return read(literal);
}

/** Below 0, 0, above 0: where a value of an object stands. Undefined when the two have no order. */
function compare(there: unknown, value: Value): number | undefined {
  if (value.kind === 'list') return undefined;
  if (value.kind === 'instant') {
    const instant = typeof there === 'string' ? readTimestamp(there) : undefined;
    return instant === undefined ? undefined : instant - value.instant;
  }
  if (typeof there === 'string') return there < value.text ? -1 : there > value.text ? 1 : 0;
  if (typeof there === 'number' && value.kind === 'number') return there - value.value;
  if (typeof there === 'boolean' && value.kind === 'boolean') return Number(there) - Number(value.value);
  return undefined;
}

/** Lists are equal when their elements are, in order. */
export const equals = (there: unknown, value: Value): boolean =>
  value.kind === 'list'
    ? Array.isArray(there) &&
      there.length === value.items.length &&
      value.items.every((item, index) => equals(there[index], item))
    : compare(there, value) === 0;

const HOLDS: Readonly<Record<Exclude<Order, '==' | '!='>, (difference: number) => boolean>> = {
  '<': difference => difference < 0,
  '<=': difference => difference <= 0,
  '>': difference => difference > 0,
  '>=': difference => difference >= 0,
};

export function holds(there: unknown, operator: keyof typeof HOLDS, value: Value): boolean {
  const difference = compare(there, value);
  return difference !== undefined && HOLDS[operator](difference);
}

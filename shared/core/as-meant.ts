import { z } from 'zod';
import { bySchema } from './by-schema.ts';

/** What Go prints for a time that nobody has set. */
const NEVER = Date.parse('0001-01-01T00:00:00.000Z');

const AnyTime = z.iso.datetime({ offset: true });

/**
 * A point in time in our own words, UTC with milliseconds: the original's clients leave out zeros at the end, or say an
 * offset. What is no time stays as it is, for the schema to refuse; undefined for one that nobody has set.
 */
function inOurWords(text: string): string | undefined {
  if (!AnyTime.safeParse(text).success) return text;
  const time = Date.parse(text);
  return time === NEVER ? undefined : new Date(time).toISOString();
}

const MEANT = { time: inOurWords, nothing: () => undefined };

/**
 * What a client of the original means with a body. Its Go clients send every attribute: lists that nobody has made are
 * `null`, and times that nobody has set are in the year 1.
 */
export const asMeant = (schema: z.ZodType, value: unknown): unknown => bySchema(schema, value, MEANT);

/** Whether two texts mean the same moment, however they are written. */
export const isSameTime = (a: unknown, b: unknown): boolean =>
  typeof a === 'string' && typeof b === 'string' && inOurWords(a) === inOurWords(b);

import { z } from 'zod';

/** What is to be done with the values of a text format or with nothing, wherever a schema has them. */
export interface Reading {
  /** A text where the schema has a point in time. Undefined: the attribute is left out. */
  time(text: string): unknown;
  /** `null` where the attribute may be left out. Undefined: it is. */
  nothing(): unknown;
}

type Wrapped = z.ZodOptional | z.ZodDefault | z.ZodPrefault | z.ZodNullable | z.ZodReadonly;

const isWrapped = (schema: z.core.$ZodType): schema is Wrapped =>
  schema instanceof z.ZodOptional ||
  schema instanceof z.ZodDefault ||
  schema instanceof z.ZodPrefault ||
  schema instanceof z.ZodNullable ||
  schema instanceof z.ZodReadonly;

const unwrapped = (schema: z.core.$ZodType): z.core.$ZodType =>
  isWrapped(schema) ? unwrapped(schema.unwrap()) : schema;

const isFields = (value: unknown): value is Record<string, unknown> =>
  value !== null && typeof value === 'object' && !Array.isArray(value);

const mayBeAbsent = (schema: z.core.$ZodType): boolean => z.safeParse(schema, undefined).success;

/** Whether a value of the schema can hold anything that is read; most lists hold none, and may be long. */
const isRead = (schema: z.core.$ZodType): boolean =>
  schema instanceof z.ZodObject ||
  schema instanceof z.ZodArray ||
  schema instanceof z.ZodDiscriminatedUnion ||
  schema instanceof z.ZodISODateTime;

/** The one of the alternatives that the value says it is; undefined when it says none of them. */
const alternative = (schema: z.ZodDiscriminatedUnion, value: unknown): z.core.$ZodType | undefined => {
  const { discriminator, options } = schema.def;
  const said = isFields(value) ? value[discriminator] : undefined;
  return options.find(
    option =>
      option instanceof z.ZodObject && z.safeParse(option.shape[discriminator] ?? z.never(), said).success,
  );
};

function fieldsBy(shape: z.core.$ZodShape, value: Record<string, unknown>, reading: Reading) {
  const entries = Object.entries(value).flatMap(([key, part]): [string, unknown][] => {
    const schema = Object.hasOwn(shape, key) ? shape[key] : undefined;
    if (!schema) return [[key, part]];
    const read = part === null && mayBeAbsent(schema) ? reading.nothing() : bySchema(schema, part, reading);
    return read === undefined ? [] : [[key, read]];
  });
  return Object.fromEntries(entries);
}

/** A record of lists, in which `null` is a list that nobody has made. */
function listsBy(schema: z.core.$ZodType, value: Record<string, unknown>, reading: Reading) {
  const entries = Object.entries(value).flatMap(([key, part]): [string, unknown][] => {
    const read = part === null ? reading.nothing() : bySchema(schema, part, reading);
    return read === undefined ? [] : [[key, read]];
  });
  return Object.fromEntries(entries);
}

/** The value, read as its schema says what is what. What the schema does not know, or leaves open, stays as it is. */
export function bySchema(wanted: z.core.$ZodType, value: unknown, reading: Reading): unknown {
  const schema = unwrapped(wanted);
  if (schema instanceof z.ZodObject) {
    return isFields(value) ? fieldsBy(schema.shape, value, reading) : value;
  }
  if (schema instanceof z.ZodRecord) {
    return isFields(value) && unwrapped(schema.valueType) instanceof z.ZodArray
      ? listsBy(schema.valueType, value, reading)
      : value;
  }
  if (schema instanceof z.ZodArray) {
    return Array.isArray(value) && isRead(unwrapped(schema.element))
      ? value.map(part => bySchema(schema.element, part, reading))
      : value;
  }
  if (schema instanceof z.ZodDiscriminatedUnion) {
    const option = alternative(schema, value);
    return option ? bySchema(option, value, reading) : value;
  }
  if (schema instanceof z.ZodISODateTime && typeof value === 'string') return reading.time(value);
  return value;
}

import { z } from 'zod';
import { fail } from '../../shared/schema/failure.ts';
import type { AnyResource } from '../../shared/schema/resource.ts';

/** An object of the API whose resource is known only at run time. */
export type Attributes = Record<string, unknown>;

export const isAttributes = (value: unknown): value is Attributes =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * Joins `-k name value` to `-k name=value`, so that both forms are one. An attribute's name never holds `=`; a value
 * may. What follows `--` is left alone.
 */
export function joinPairs(argv: readonly string[]): string[] {
  const joined: string[] = [];
  for (let i = 0; i < argv.length; i++) {
    const token = argv[i] ?? '';
    const key = argv[i + 1];
    const value = argv[i + 2];
    if (token === '--') return [...joined, ...argv.slice(i)];
    const apart = (token === '-k' || token === '--key') && key !== undefined && !key.includes('=');
    if (apart && value !== undefined) {
      joined.push(token, `${key}=${value}`);
      i += 2;
    } else joined.push(token);
  }
  return joined;
}

const fromJson = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

/** 2: the attribute takes the value; 1: it is of the right type; 0: it is not. */
function suits(schema: z.core.$ZodType, value: unknown): 0 | 1 | 2 {
  const { error } = z.safeParse(schema, value);
  if (!error) return 2;
  return error.issues.some(({ code, path }) => code === 'invalid_type' && path.length === 0) ? 0 : 1;
}

/**
 * What a text on the command line means for an attribute: the JSON in it, the text itself, or a list of it, whichever
 * fits best. What does not fit at all is sent for the API to refuse, which says why.
 */
function meant(resource: AnyResource, attribute: string, text: string): unknown {
  const json = fromJson(text);
  const schema = resource.stored.shape[attribute];
  const candidates = [...(json === undefined ? [] : [json]), text, [text]];
  if (!schema) return candidates[0];
  const fitting = (least: 1 | 2) => candidates.find(candidate => suits(schema, candidate) >= least);
  return fitting(2) ?? fitting(1) ?? candidates[0];
}

/** Splits at the first `=`. */
export function pairOf(text: string, flag: string): [string, string] {
  const at = text.indexOf('=');
  if (at < 1) throw fail('bad_request', `${flag} wants \`name=value\`, not \`${text}\``);
  return [text.slice(0, at), text.slice(at + 1)];
}

/**
 * Attributes from `-k`. `a.b=value` is the entry `b` of `a`; an attribute that is a list grows with each time it is
 * named.
 */
export function attributesOf(resource: AnyResource, pairs: readonly string[]): Attributes {
  const attributes: Attributes = {};
  for (const pair of pairs) {
    const [path, text] = pairOf(pair, '-k');
    const [attribute = '', ...inner] = path.split('.');
    if (inner.length > 0) place(attributes, [attribute, ...inner], fromJson(text) ?? text);
    else {
      const before = attributes[attribute];
      const value = meant(resource, attribute, text);
      attributes[attribute] = Array.isArray(before) && Array.isArray(value) ? [...before, ...value] : value;
    }
  }
  return attributes;
}

export function place(target: Attributes, [name = '', ...rest]: string[], value: unknown): void {
  if (name === '__proto__') throw fail('bad_request', 'there is no attribute `__proto__`');
  if (rest.length === 0) target[name] = value;
  else {
    const inner = target[name];
    const next = isAttributes(inner) ? inner : {};
    target[name] = next;
    place(next, rest, value);
  }
}

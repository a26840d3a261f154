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

/** 3: the attribute takes the value; 2: all in it is of the right type; 1: it is, and something in it is not; 0: it is not. */
function suits(schema: z.core.$ZodType, value: unknown): 0 | 1 | 2 | 3 {
  const { error } = z.safeParse(schema, value);
  if (!error) return 3;
  const wrong = error.issues.filter(({ code }) => code === 'invalid_type');
  return wrong.length === 0 ? 2 : wrong.some(({ path }) => path.length === 0) ? 0 : 1;
}

/**
 * What a text on the command line means for an attribute: the JSON in it, the text itself, a list of it, or a list with
 * such a list (`-k subject=app=web`), whichever fits best. What does not fit at all is sent for the API to refuse, which says
 * why.
 */
function meant(resource: AnyResource, attribute: string, text: string): unknown {
  const json = fromJson(text);
  const schema = resource.stored.shape[attribute];
  const candidates = [...(json === undefined ? [] : [json]), text, [text], [[text]]];
  if (!schema) return candidates[0];
  const fitting = (least: 1 | 2 | 3) => candidates.find(candidate => suits(schema, candidate) >= least);
  return fitting(3) ?? fitting(2) ?? fitting(1) ?? candidates[0];
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

/** Puts a value where names lead to, one inside the other. What stands in the way is replaced. */
function place(target: Attributes, [name = '', ...rest]: string[], value: unknown): void {
  if (name === '__proto__') throw fail('bad_request', 'there is no attribute `__proto__`');
  if (rest.length === 0) target[name] = value;
  else {
    const inner = target[name];
    const next = isAttributes(inner) ? inner : {};
    target[name] = next;
    place(next, rest, value);
  }
}

/** Values of `-k` that name this attribute or something in it, as they were typed. */
export const typedFor = (attribute: string, argv: readonly string[]): string[] =>
  argv.filter((text, at) => {
    const isKey = argv[at - 1] === '-k' || argv[at - 1] === '--key';
    return isKey && text.split(/[.=]/)[0] === attribute.split(/[.[]/)[0];
  });

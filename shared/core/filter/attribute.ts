import type { z } from 'zod';
import type { AnyResource } from '../../schema/resource.ts';
import type { Comparison } from './ast.ts';
import { mistake } from './mistake.ts';

/** Of a resource what a filter asks about. */
export type Askable = Pick<AnyResource, 'identity' | 'stored' | 'secrets'>;

/** What a key of a filter names in the objects of a resource. */
export interface Attribute {
  /** As the schema spells it, a part of one with its path; a key of a tag as it was written. */
  name: string;
  /** True when it holds RFC 3339 times. */
  isTime: boolean;
  /** Everything there is under the key in an object: the value itself and, where it is a list, its elements too. */
  values(object: object): unknown[];
}

type Schema = z.core.$ZodTypes;

/** What is inside of optional, default and the like. */
function bare(schema: Schema): Schema {
  const { def } = schema._zod;
  return 'innerType' in def ? bare(def.innerType as Schema) : schema;
}

/** Names that may follow in a path; undefined where any may. */
function partsOf(schema: Schema): Readonly<Record<string, Schema>> | undefined {
  const { def } = bare(schema)._zod;
  if (def.type === 'array') return partsOf(def.element as Schema);
  if (def.type === 'object') return def.shape as Record<string, Schema>;
  return def.type === 'record' || def.type === 'union' || def.type === 'unknown' ? undefined : {};
}

const isTimestamp = (schema: Schema): boolean => {
  const { def } = bare(schema)._zod;
  return def.type === 'string' && 'format' in def && def.format === 'datetime';
};

/** As the original's store: a list on the way stands for each of its elements. */
function reach(value: unknown, [name, ...rest]: readonly string[]): unknown[] {
  if (value === undefined || value === null) return [];
  if (name === undefined) return Array.isArray(value) ? [value, ...value] : [value];
  if (Array.isArray(value)) return value.flatMap(element => reach(element, [name, ...rest]));
  return typeof value === 'object' && Object.hasOwn(value, name) ? reach(Reflect.get(value, name), rest) : [];
}

/** Values of the tags with the key: `$name` → `web` for the tag `$name=web`. */
const tagValues =
  (key: string) =>
  (object: object): unknown[] => {
    const tags: unknown = Reflect.get(object, 'normalizedTags');
    const start = `${key}=`;
    return Array.isArray(tags)
      ? tags.flatMap(tag => (String(tag).startsWith(start) ? [String(tag).slice(start.length)] : []))
      : [];
  };

/** Attributes are named in any case, as in the original; one that is spelled exactly comes first. */
const nameIn = (names: Readonly<Record<string, unknown>>, name: string): string | undefined =>
  Object.hasOwn(names, name)
    ? name
    : Object.keys(names).find(each => each.toLowerCase() === name.toLowerCase());

/** Attributes of a resource that may be asked for. What is never returned cannot be guessed by filters either. */
const askable = ({ stored, secrets = [] }: Askable): Readonly<Record<string, Schema>> =>
  Object.fromEntries(
    Object.entries(stored.shape as Record<string, Schema>).filter(([name]) => !secrets.includes(name)),
  );

/** Fails with `bad_request` when the resource has no such attribute, and says which it has. */
export function attributeOf({ key, at }: Comparison, resource: Askable, text: string): Attribute {
  if (/^[$@]/.test(key)) return { name: key, isTime: false, values: tagValues(key) };
  const path: string[] = [];
  let parts: Readonly<Record<string, Schema>> | undefined = askable(resource);
  let isTime = false;
  const words = key.split('.');
  for (const [index, word] of words.entries()) {
    if (!parts) {
      // A key of a record may have dots in it.
      path.push(words.slice(index).join('.'));
      isTime = false;
      break;
    }
    const name = nameIn(parts, word);
    const schema = name === undefined ? undefined : parts[name];
    if (name === undefined || !schema) throw unknown(key, path, parts, resource, at, text);
    path.push(name);
    isTime = isTimestamp(schema);
    parts = partsOf(schema);
  }
  return {
    name: path.join('.'),
    isTime,
    values: object => reach(object, path),
  };
}

const unknown = (
  key: string,
  path: readonly string[],
  parts: Readonly<Record<string, Schema>>,
  { identity }: Askable,
  at: number,
  text: string,
) => {
  const there = Object.keys(parts).sort();
  const place = path.length === 0 ? identity : `${path.join('.')} of ${identity}`;
  const offer = there.length === 0 ? 'it has no parts' : `it has ${there.join(', ')}`;
  return mistake(text, at, `${place} has no attribute \`${key.slice(0, 80)}\`; ${offer}`);
};

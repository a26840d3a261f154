/** What a template works with: what YAML can say. Absent and null are the same: no value. */
export type Value = unknown;
export type Mapping = Readonly<Record<string, Value>>;

export const isMapping = (value: Value): value is Mapping =>
  value !== null && typeof value === 'object' && !Array.isArray(value);

export const isNothing = (value: Value): value is null | undefined => value === null || value === undefined;

/** As Go sees it in conditions, and Sprig in `default` and `empty`. */
export const isEmpty = (value: Value): boolean =>
  isNothing(value) ||
  value === false ||
  value === 0 ||
  value === '' ||
  (typeof value === 'object' && Object.keys(value).length === 0);

/** Own entries only: what an object has by itself in this language, no template sees. */
export const entry = (mapping: Mapping, key: string): Value =>
  Object.hasOwn(mapping, key) ? mapping[key] : undefined;

/** Go's maps are printed and ranged over in the order of their keys. */
export const keysOf = (mapping: Mapping): string[] => Object.keys(mapping).sort();

export const kindOf = (value: Value): string => {
  if (isNothing(value)) return 'invalid';
  if (Array.isArray(value)) return 'slice';
  if (typeof value === 'boolean') return 'bool';
  if (typeof value === 'number') return Number.isInteger(value) ? 'int' : 'float64';
  return typeof value === 'object' ? 'map' : 'string';
};

/** For messages: what holds others is not walked, since it may be reached in very many ways. */
export const briefOf = (value: Value): string =>
  typeof value === 'object' ? kindOf(value) : `${kindOf(value)} \`${String(value).slice(0, 40)}\``;

/** As Go prints it with `%v`. */
export function textOf(value: Value): string {
  if (isNothing(value)) return '<no value>';
  if (Array.isArray(value)) return `[${value.map(textOf).join(' ')}]`;
  if (isMapping(value))
    return `map[${keysOf(value)
      .map(key => `${key}:${textOf(value[key])}`)
      .join(' ')}]`;
  return String(value);
}

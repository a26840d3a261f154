/** The part of EventBridge's patterns that the catalogue uses: lists of exact values, nested as the event is. */
export type Pattern = { readonly [field: string]: readonly string[] | Pattern };

/** Every field of the pattern is in the event and has one of its values; other fields don't matter. */
export const matches = (pattern: Pattern, event: unknown): boolean =>
  Object.entries(pattern).every(([field, wanted]) => {
    const value: unknown = isRecord(event) ? event[field] : undefined;
    return isList(wanted) ? typeof value === 'string' && wanted.includes(value) : matches(wanted, value);
  });

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isList = (wanted: readonly string[] | Pattern): wanted is readonly string[] => Array.isArray(wanted);

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** The value as JSON holds it: no functions, no undefined, no extra properties of arrays. */
export const toJson = (value: unknown): Json => JSON.parse(JSON.stringify(value ?? null));

/** UTF-8 bytes of the value written as JSON, as quotas count it. */
export const sizeOf = (value: Json): number => Buffer.byteLength(JSON.stringify(value));

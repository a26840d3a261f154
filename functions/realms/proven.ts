import type { Principal, TokenClaims } from '../../shared/schema/token.ts';

/** Whom a realm found the caller to be. */
export interface Proven {
  principal: Principal;
  /** What the realm says of the caller; each entry becomes an `@auth:` tag. */
  data: Readonly<Record<string, string>>;
  /** Seconds that a token may live because of what proved it; absent: as long as the server allows. */
  longest?: number;
  /** The token that is traded in: what it may not do, its successor may not. */
  original?: TokenClaims;
  /** How many uses of its quota the original has had, this one included. */
  uses?: number;
}

/** Text of a claim; numbers and truth values as they are written. Undefined for whatever else it is. */
export const textOf = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== ''
    ? value
    : typeof value === 'number' || typeof value === 'boolean'
      ? String(value)
      : undefined;

/** The entries that have a text. */
export const present = (entries: Readonly<Record<string, unknown>>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(entries).flatMap(([key, value]) => {
      const text = textOf(value);
      return text === undefined ? [] : [[key, text]];
    }),
  );

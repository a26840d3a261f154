import { Failure, fail } from '../../schema/failure.ts';

export const damaged = (path: string, finding: string): Failure =>
  fail('unavailable', `${path} is damaged (${finding}); nothing was repaired: restore it from a backup`);

/** SQLite's result codes: https://www.sqlite.org/rescode.html; the low byte is the kind. */
const BUSY = 5;
const CORRUPT = 11;
const NOT_A_DATABASE = 26;
/** Busy, read-only, input or output error, full, cannot open. */
const UNUSABLE: readonly number[] = [BUSY, 8, 10, 13, 14];

const codeOf = (error: unknown): number =>
  error instanceof Error && 'errcode' in error && typeof error.errcode === 'number'
    ? error.errcode & 0xff
    : -1;

export function refused(path: string, error: unknown): unknown {
  if (error instanceof Failure) return error;
  const why = error instanceof Error ? error.message : String(error);
  const code = codeOf(error);
  if (code === CORRUPT || code === NOT_A_DATABASE) return damaged(path, why);
  return UNUSABLE.includes(code)
    ? fail('unavailable', `${path} cannot be used: ${why}; check that the disk is writable and has space`)
    : error;
}

/** A database that is not there although its companions are. */
export const lost = (path: string, companion: string): Failure =>
  fail(
    'unavailable',
    `${path} is missing or empty, but ${companion} is there; restore the database from a backup or choose an empty data directory`,
  );

/** The lock that another process holds. */
export const inUse = (directory: string, error: unknown): unknown =>
  codeOf(error) === BUSY
    ? fail(
        'unavailable',
        `${directory} is in use by another process; stop it, or choose another data directory`,
      )
    : error;

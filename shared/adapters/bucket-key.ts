import { UPLOADS } from '../ports/uploads.ts';
import { fail } from '../schema/failure.ts';

/** Keys as we make them: the part of what S3 takes that also means exactly one file on every file system. */
const SEGMENT = /^(?!\.{1,2}$)[A-Za-z0-9._=-]{1,200}$/;
/** S3's limit, in bytes. */
const LONGEST = 1024;

export function checkKey(key: string): string {
  if (key.length <= LONGEST && key.split('/').every(segment => SEGMENT.test(segment))) return key;
  throw fail(
    'bad_request',
    `\`${key.slice(0, 80)}\` is no key; use segments of A-Z a-z 0-9 . _ = - joined by /`,
  );
}

/** A prefix is a key that may end anywhere. */
export function checkPrefix(prefix: string): string {
  if (prefix !== '') checkKey(prefix.endsWith('/') ? prefix.slice(0, -1) : prefix);
  return prefix;
}

/** Nobody outside is let near anything else in the bucket. */
export function uploadKey(key: string): string {
  if (key.startsWith(UPLOADS)) return checkKey(key);
  throw fail('bad_request', `\`${key.slice(0, 80)}\` is not below ${UPLOADS}; nothing else is uploaded`);
}

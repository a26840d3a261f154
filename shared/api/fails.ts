import type { FailureKind } from '../schema/failure.ts';

/** How an operation that only reads may fail. */
export const READ: readonly FailureKind[] = [
  'bad_request',
  'unauthorized',
  'forbidden',
  'not_found',
  'quota_exhausted',
  /** An Accept header that names nothing we have. */
  'unsupported_media_type',
];

/** How an operation that writes may. */
export const WRITE: readonly FailureKind[] = [
  ...READ,
  'conflict',
  'duplicate',
  'invalid',
  'locked',
  'too_large',
];

/** How what an agent says or asks for may, which is refused in a namespace that is being deleted as a write is. */
export const SAY: readonly FailureKind[] = [...READ, 'locked'];

/** How a POST may that changes nothing. */
export const ASK: readonly FailureKind[] = [...READ, 'invalid', 'too_large'];

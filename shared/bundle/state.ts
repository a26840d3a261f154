import type { PayloadBytes } from '../schema/bundle.ts';

/** A bundle as it was accepted: everything that its signatures can be checked with again. */
export interface StoredBundle {
  root: Uint8Array;
  timestamp: Uint8Array;
  snapshot: Uint8Array;
  targets: Uint8Array;
  payloads: PayloadBytes;
}

/**
 * What a client keeps between updates, as the files' bytes. It starts as `{ root }`, which comes with the
 * installation; every other field is written by `open`.
 */
export interface TrustedState {
  /** The newest root. */
  root: Uint8Array;
  /** The newest that were accepted, even where the update failed later on: what rollback is measured against. */
  timestamp?: Uint8Array;
  snapshot?: Uint8Array;
  /** The last good bundle. It has its own root: a newer one may no longer list the keys that signed it. */
  bundle?: StoredBundle;
}

/** After a change of keys, versions that the old keys signed bind nobody (5.3.11). */
export const withoutSeen = ({ timestamp: _, snapshot: __, ...kept }: TrustedState): TrustedState => kept;

/** Time and chance come from here and from nowhere else, so that tests can set them. */
export interface Clock {
  now(): Date;
  /** Cryptographically strong. */
  randomBytes(size: number): Uint8Array;
}

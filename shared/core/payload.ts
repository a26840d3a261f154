import { hash } from 'node:crypto';

/** The bytes of one payload, and their SHA-256 in hex: the name that the payload has in the bucket. */
export interface Payload {
  bytes: Uint8Array;
  digest: string;
}

export const payload = (json: string): Payload => {
  const bytes = Buffer.from(json);
  return { bytes, digest: hash('sha256', bytes, 'hex') };
};

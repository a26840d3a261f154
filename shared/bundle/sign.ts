import { canonicalize } from '@tufjs/canonical-json';
import { Metadata, type Root, Signature, type Snapshot, type Targets, type Timestamp } from '@tufjs/models';
import { keyOf } from './metadata.ts';

/** A P-256 key that signs and never leaves. ports/signer.ts has the same shape. */
export interface SealSigner {
  /** SPKI, PEM. */
  publicKey(): Promise<string>;
  /** DER-encoded ECDSA signature over the SHA-256 of `data`. */
  sign(data: Uint8Array): Promise<Uint8Array>;
}

/** RFC 3339 with whole seconds, as section 4.2.1 of the specification writes expiries. */
export const expiry = (from: Date, milliseconds: number): string =>
  `${new Date(from.getTime() + milliseconds).toISOString().slice(0, 19)}Z`;

/** Adds one signature per signer; a signer that signed before signs anew. */
export const addSignatures = async <T extends Root | Timestamp | Snapshot | Targets>(
  metadata: Metadata<T>,
  signers: readonly SealSigner[],
): Promise<Metadata<T>> => {
  const message = Buffer.from(canonicalize(metadata.signed.toJSON()));
  const signatures = await Promise.all(
    signers.map(async signer => {
      const [pem, sig] = await Promise.all([signer.publicKey(), signer.sign(message)]);
      return new Signature({ keyID: keyOf(pem).keyID, sig: Buffer.from(sig).toString('hex') });
    }),
  );
  const all = new Map(
    [...Object.values(metadata.signatures), ...signatures].map(signature => [signature.keyID, signature]),
  );
  return new Metadata(metadata.signed, Object.fromEntries([...all].sort(([a], [b]) => (a < b ? -1 : 1))));
};

/** Bytes of a metadata file. Key order is that of the models, so equal metadata gives equal bytes. */
export const encode = (metadata: Metadata<Root | Timestamp | Snapshot | Targets>): Uint8Array =>
  new Uint8Array(Buffer.from(JSON.stringify(metadata.toJSON())));

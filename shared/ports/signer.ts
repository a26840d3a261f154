/** An ECDSA P-256 key that signs and never leaves. Signatures verify with SHA-256. */
export interface Signer {
  /** SPKI, PEM. Constant for the life of the signer. */
  publicKey(): Promise<string>;
  /** DER-encoded ECDSA signature (r, s) over SHA-256 of `data`, of any length. */
  sign(data: Uint8Array): Promise<Uint8Array>;
}

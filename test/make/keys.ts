import { createPrivateKey, createPublicKey, generateKeyPairSync, sign } from 'node:crypto';
import type { Signer } from '../../shared/ports/signer.ts';

/** A P-256 signer in memory, as ports/signer.ts wants it. `signatures` counts how often it signed. */
export interface TestSigner extends Signer {
  readonly pem: string;
  signatures: number;
}

/** A signer with a new key, or with the private key (PKCS #8, PEM) that is given. */
export const makeSigner = (privateKey?: string): TestSigner => {
  const key = privateKey
    ? createPrivateKey(privateKey)
    : generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
  const pem = createPublicKey(key).export({ type: 'spki', format: 'pem' }).toString();
  return {
    pem,
    signatures: 0,
    publicKey: async () => pem,
    async sign(data) {
      this.signatures++;
      // DER drops leading zeros: 70 to 72 bytes. Always 71, so that the lengths of files don't vary between runs.
      for (;;) {
        const signature = new Uint8Array(sign('sha256', data, key));
        if (signature.length === 71) return signature;
      }
    },
  };
};

/** One signer for each online role, and `count` for the root. */
export const makeKeys = (count = 3) => ({
  root: Array.from({ length: count }, () => makeSigner()),
  targets: makeSigner(),
  snapshot: makeSigner(),
  timestamp: makeSigner(),
});
export type TestKeys = ReturnType<typeof makeKeys>;

import { createPublicKey, verify } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Signer } from '../../shared/ports/signer.ts';

export interface SignerUnderTest {
  signer: Signer;
  stop(): Promise<void>;
}

/** `messageOf`: what an endpoint signs that does not take a digest for what it is. */
export function signerContract(
  name: string,
  open: () => Promise<SignerUnderTest>,
  messageOf = (data: Uint8Array): Uint8Array => data,
): void {
  describe(`signer: ${name}`, () => {
    let under: SignerUnderTest;
    beforeAll(async () => {
      under = await open();
    });
    afterAll(() => under.stop());

    const holds = async (data: Uint8Array, signature: Uint8Array): Promise<boolean> =>
      verify('sha256', messageOf(data), await under.signer.publicKey(), signature);

    it('has a P-256 public key in SPKI PEM that stays the same', async () => {
      const pem = await under.signer.publicKey();
      expect(createPublicKey(pem).asymmetricKeyDetails).toEqual({ namedCurve: 'prime256v1' });
      expect(pem).toMatch(/^-----BEGIN PUBLIC KEY-----\n[\s\S]+\n-----END PUBLIC KEY-----\n$/);
      expect(await under.signer.publicKey()).toBe(pem);
    });

    it('signs nothing, little, and more than KMS takes as a message', async () => {
      for (const size of [0, 1, 4096, 4097, 300_000]) {
        const data = new Uint8Array(size).fill(7);
        const signature = await under.signer.sign(data);
        expect(await holds(data, signature)).toBe(true);
        expect(await holds(new Uint8Array(size + 1), signature)).toBe(false);
      }
    });

    it('signs many at once', async () => {
      const messages = Array.from({ length: 20 }, (_, index) => new Uint8Array([index]));
      const verdicts = await Promise.all(
        messages.map(async message => holds(message, await under.signer.sign(message))),
      );
      expect(verdicts).toEqual(messages.map(() => true));
    });
  });
}

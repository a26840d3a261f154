import { createHash, createPublicKey } from 'node:crypto';
import { GetPublicKeyCommand, KMSClient, SignCommand } from '@aws-sdk/client-kms';
import type { Signer } from '../../ports/signer.ts';
import { fail } from '../../schema/failure.ts';
import { type Connection, call, clientConfig } from './client.ts';

export interface SignerOptions extends Connection {
  /** ID, ARN or alias of a key with spec ECC_NIST_P256 and usage SIGN_VERIFY. */
  keyId: string;
}

/** KMS takes messages of 4,096 bytes at most; of longer ones it gets the digest. The signature is the same either way. */
const LONGEST_MESSAGE = 4096;

export function openSigner(options: SignerOptions): Signer {
  const client = new KMSClient(clientConfig(options));
  const KeyId = options.keyId;
  let pem: string | undefined;

  return {
    async publicKey() {
      pem ??= await call('KMS', async () => {
        const { PublicKey } = await client.send(new GetPublicKeyCommand({ KeyId }));
        return spki(KeyId, PublicKey);
      });
      return pem;
    },
    async sign(data) {
      const sign = new SignCommand({
        KeyId,
        ...(data.length > 0 && data.length <= LONGEST_MESSAGE
          ? { Message: data, MessageType: 'RAW' as const }
          : { Message: createHash('sha256').update(data).digest(), MessageType: 'DIGEST' as const }),
        SigningAlgorithm: 'ECDSA_SHA_256',
      });
      const { Signature } = await call('KMS', () => client.send(sign));
      if (Signature) return new Uint8Array(Signature);
      throw fail('unavailable', `KMS gave no signature of key ${KeyId}; try again in a moment`);
    },
  };
}

function spki(keyId: string, der: Uint8Array | undefined): string {
  if (!der) throw fail('unavailable', `KMS gave no public key of ${keyId}; try again in a moment`);
  const key = createPublicKey({ key: Buffer.from(der), format: 'der', type: 'spki' });
  return key.export({ type: 'spki', format: 'pem' }).toString();
}

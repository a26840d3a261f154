import 'reflect-metadata';
import { type webcrypto as Crypto, webcrypto } from 'node:crypto';
import { Pkcs10CertificateRequestGenerator } from '@peculiar/x509';
import type { Credential } from '../../shared/schema/appcredential.ts';

const P256 = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };

export interface Requested {
  /** The PKCS #10 request, PEM. */
  pem: string;
  /** What a credential holds of the private key. */
  certificateKey: string;
  publicKey: Crypto.CryptoKey;
}

interface Asked {
  algorithm?: object;
  /** The subject, as a distinguished name. */
  name?: string;
  /** Whose key the request is for, where it is not the one that signs it. */
  publicKey?: Crypto.CryptoKey;
}

/** A key pair and the request for its certificate. */
export async function certificateRequest({
  algorithm = P256,
  name = 'CN=whoever',
  publicKey,
}: Asked = {}): Promise<Requested> {
  const keys = (await webcrypto.subtle.generateKey(algorithm as typeof P256, true, ['sign', 'verify'])) as {
    privateKey: Crypto.CryptoKey;
    publicKey: Crypto.CryptoKey;
  };
  const request = await Pkcs10CertificateRequestGenerator.create(
    {
      name,
      keys: { ...keys, ...(publicKey ? { publicKey } : {}) },
      signingAlgorithm: algorithm as typeof P256,
    },
    webcrypto,
  );
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64');
  const key = `-----BEGIN PRIVATE KEY-----\n${der}\n-----END PRIVATE KEY-----\n`;
  return {
    pem: request.toString('pem'),
    certificateKey: Buffer.from(key).toString('base64'),
    publicKey: keys.publicKey,
  };
}

/** The credential of an enforcer or app credential whose certificate was made for that request. */
export const credentialOf = (
  holder: { ID: string; namespace: string; name: string; certificate: string },
  { certificateKey }: Requested,
  APIURL: string,
): Credential => {
  const certificate = Buffer.from(holder.certificate).toString('base64');
  const { ID, name, namespace } = holder;
  return { APIURL, ID, name, namespace, certificate, certificateKey, certificateAuthority: certificate };
};

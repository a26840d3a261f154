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
}

/** A key pair of an agent, and the request for its certificate. */
export async function certificateRequest(algorithm: object = P256): Promise<Requested> {
  const keys = (await webcrypto.subtle.generateKey(algorithm as typeof P256, true, ['sign', 'verify'])) as {
    privateKey: Crypto.CryptoKey;
    publicKey: Crypto.CryptoKey;
  };
  const request = await Pkcs10CertificateRequestGenerator.create(
    { name: [{ CN: ['whoever'] }], keys, signingAlgorithm: algorithm as typeof P256 },
    webcrypto,
  );
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64');
  const key = `-----BEGIN PRIVATE KEY-----\n${der}\n-----END PRIVATE KEY-----\n`;
  return { pem: request.toString('pem'), certificateKey: Buffer.from(key).toString('base64') };
}

/** The credential of an enforcer whose certificate was made for that request. */
export const credentialOf = (
  enforcer: { ID: string; namespace: string; name: string; certificate: string },
  { certificateKey }: Requested,
  APIURL: string,
): Credential => {
  const certificate = Buffer.from(enforcer.certificate).toString('base64');
  const { ID, name, namespace } = enforcer;
  return { APIURL, ID, name, namespace, certificate, certificateKey, certificateAuthority: certificate };
};

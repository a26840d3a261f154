import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import { X509CertificateGenerator } from '@peculiar/x509';
import type { AppCredential, Credential } from '../shared/schema/appcredential.ts';

const TEN_YEARS = 10 * 365 * 24 * 3600 * 1000;
const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;

const base64 = (text: string): string => Buffer.from(text).toString('base64');

const pem = (label: string, der: ArrayBuffer): string =>
  `-----BEGIN ${label}-----\n${Buffer.from(der).toString('base64').replace(/.{64}/g, '$&\n').trimEnd()}\n-----END ${label}-----\n`;

/** Text that may stand in a distinguished name. */
export const quoted = (text: string): string => text.replace(/[",+;<>\\=#\n\r]/g, ' ');

/** The common name by which policies may name the credential, as the original writes it. */
export const commonName = (id: string, name: string): string => `app:credential:${id}:${name}`;

/**
 * Makes the key pair of an app credential. The certificate signs itself: what makes it valid is that the store holds
 * it, not a chain. The private key is in the returned credential and nowhere else.
 */
export async function makeKeyPair(
  object: Pick<AppCredential, 'ID' | 'name' | 'namespace'>,
  apiURL: string,
  now: Date,
  serialNumber: string,
): Promise<{ certificate: string; credentials: Credential }> {
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const certificate = await X509CertificateGenerator.createSelfSigned(
    {
      serialNumber,
      name: [{ CN: [quoted(commonName(object.ID, object.name))] }, { O: [object.namespace] }],
      notBefore: now,
      notAfter: new Date(now.getTime() + TEN_YEARS),
      signingAlgorithm: ALGORITHM,
      keys,
    },
    webcrypto,
  );
  const text = `${certificate.toString('pem')}\n`;
  return {
    certificate: text,
    credentials: {
      APIURL: apiURL,
      ID: object.ID,
      name: object.name,
      namespace: object.namespace,
      certificate: base64(text),
      certificateKey: base64(pem('PRIVATE KEY', await webcrypto.subtle.exportKey('pkcs8', keys.privateKey))),
      certificateAuthority: base64(text),
    },
  };
}

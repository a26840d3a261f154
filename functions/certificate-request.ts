import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import { Pkcs10CertificateRequest, type X509Certificate, X509CertificateGenerator } from '@peculiar/x509';
import type { Deps } from './deps.ts';
import { brokenRules } from './pipeline/problem.ts';

export const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;

/** Text that may stand in a distinguished name. */
export const quoted = (text: string): string => text.replace(/[",+;<>\\=#\n\r]/g, ' ');

/** The refusal of what an attribute holds. */
export const wrongRequest = (attribute: string, message: string) =>
  brokenRules([{ path: [attribute], message }]);

/** The PKCS #10 request in an attribute, of whom it is proven that they hold its P-256 key. */
export async function provenRequest(attribute: string, pem: string): Promise<Pkcs10CertificateRequest> {
  const request = read(attribute, pem);
  const { name, namedCurve } = request.publicKey.algorithm as { name: string; namedCurve?: string };
  if (name !== 'ECDSA' || namedCurve !== 'P-256') {
    throw wrongRequest(attribute, `its key is ${namedCurve ?? name}; make one on the curve P-256`);
  }
  if (!(await request.verify(webcrypto).catch(() => false))) {
    throw wrongRequest(
      attribute,
      'its signature is not of the key in it; sign it with the private key of that key',
    );
  }
  return request;
}

function read(attribute: string, pem: string): Pkcs10CertificateRequest {
  try {
    return new Pkcs10CertificateRequest(pem);
  } catch {
    throw wrongRequest(attribute, 'it is no PKCS #10 request in PEM; make it with openssl req -new');
  }
}

/**
 * Certifies the key of a request. It is the store that makes a certificate valid, not a chain: the key that signs it is
 * thrown away, and what the request says beside its key does not count.
 */
export async function certified(
  { publicKey }: Pick<Pkcs10CertificateRequest, 'publicKey'>,
  subject: { commonName: string; organization: string; notAfter: Date },
  { clock }: Pick<Deps, 'clock'>,
): Promise<X509Certificate> {
  const issuer = await webcrypto.subtle.generateKey(ALGORITHM, false, ['sign', 'verify']);
  return X509CertificateGenerator.create(
    {
      serialNumber: Buffer.from(clock.randomBytes(16)).toString('hex'),
      subject: [{ CN: [quoted(subject.commonName)] }, { O: [subject.organization] }],
      issuer: [{ CN: ['microseg'] }],
      notBefore: clock.now(),
      notAfter: subject.notAfter,
      publicKey,
      signingKey: issuer.privateKey,
      signingAlgorithm: ALGORITHM,
    },
    webcrypto,
  );
}

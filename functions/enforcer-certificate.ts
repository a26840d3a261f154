import 'reflect-metadata';
import { createHash, webcrypto, X509Certificate } from 'node:crypto';
import { Pkcs10CertificateRequest, X509CertificateGenerator } from '@peculiar/x509';
import type { Enforcer } from '../shared/schema/enforcer.ts';
import { quoted } from './credential.ts';
import type { Deps } from './deps.ts';
import { brokenRules } from './pipeline/problem.ts';

/** Milliseconds that a certificate is good for. Agents renew theirs well before. */
export const CERTIFICATE_LIFE = 90 * 24 * 3600 * 1000;

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;

/** The common name by which policies may name the enforcer. */
export const enforcerName = ({ ID, name }: Pick<Enforcer, 'ID' | 'name'>): string => `enforcer:${ID}:${name}`;

const wrong = (message: string) => brokenRules([{ path: ['certificateRequest'], message }]);

/** Digest of a certificate's public key, by which tokens are bound to it. */
export const keyOf = (certificate: string): string =>
  createHash('sha256')
    .update(new X509Certificate(certificate).publicKey.export({ type: 'spki', format: 'der' }))
    .digest('hex');

/** The request, of whom it is proven that they hold its key. */
async function provenRequest(pem: string): Promise<Pkcs10CertificateRequest> {
  const request = read(pem);
  const { name, namedCurve } = request.publicKey.algorithm as { name: string; namedCurve?: string };
  if (name !== 'ECDSA' || namedCurve !== 'P-256') {
    throw wrong(`its key is ${namedCurve ?? name}; make one on the curve P-256`);
  }
  if (!(await request.verify(webcrypto).catch(() => false))) {
    throw wrong('its signature is not of the key in it; sign it with the private key of that key');
  }
  return request;
}

function read(pem: string): Pkcs10CertificateRequest {
  try {
    return new Pkcs10CertificateRequest(pem);
  } catch {
    throw wrong('it is no PKCS #10 request in PEM; make it with openssl req -new');
  }
}

/**
 * Certifies the key of a request. As with app credentials it is the store that makes a certificate valid, not a chain:
 * the key that signs it is thrown away, and what the request says beside its key does not count.
 */
export async function certify(
  enforcer: Pick<Enforcer, 'ID' | 'name' | 'namespace'>,
  certificateRequest: string,
  { clock }: Pick<Deps, 'clock'>,
): Promise<Pick<Enforcer, 'certificate' | 'certificateExpirationDate'>> {
  const request = await provenRequest(certificateRequest);
  const issuer = await webcrypto.subtle.generateKey(ALGORITHM, false, ['sign', 'verify']);
  const notBefore = clock.now();
  const notAfter = new Date(notBefore.getTime() + CERTIFICATE_LIFE);
  const certificate = await X509CertificateGenerator.create(
    {
      serialNumber: Buffer.from(clock.randomBytes(16)).toString('hex'),
      subject: [{ CN: [quoted(enforcerName(enforcer))] }, { O: [enforcer.namespace] }],
      issuer: [{ CN: ['microseg'] }],
      notBefore,
      notAfter,
      publicKey: request.publicKey,
      signingKey: issuer.privateKey,
      signingAlgorithm: ALGORITHM,
    },
    webcrypto,
  );
  return {
    certificate: `${certificate.toString('pem')}\n`,
    certificateExpirationDate: notAfter.toISOString(),
  };
}

/** Certifies the request that an enforcer holds, and forgets the request. */
export async function certifyIn(enforcer: Enforcer, deps: Pick<Deps, 'clock'>): Promise<void> {
  const { certificateRequest } = enforcer;
  if (certificateRequest === '') return;
  Object.assign(enforcer, await certify(enforcer, certificateRequest, deps), { certificateRequest: '' });
}

/** Whether the enforcer may prove who it is with its certificate. */
export const isCertified = ({ certificate, certificateExpirationDate = '' }: Enforcer, now: Date): boolean =>
  certificate !== '' && Date.parse(certificateExpirationDate) > now.getTime();

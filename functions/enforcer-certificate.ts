import { createHash, X509Certificate } from 'node:crypto';
import type { Enforcer } from '../shared/schema/enforcer.ts';
import { certified, provenRequest } from './certificate-request.ts';
import type { Deps } from './deps.ts';

/** Milliseconds that a certificate is good for. Agents renew theirs well before. */
export const CERTIFICATE_LIFE = 90 * 24 * 3600 * 1000;

/** The common name by which policies may name the enforcer. */
export const enforcerName = ({ ID, name }: Pick<Enforcer, 'ID' | 'name'>): string => `enforcer:${ID}:${name}`;

/** Digest of a certificate's public key, by which tokens are bound to it. */
export const keyOf = (certificate: string): string =>
  createHash('sha256')
    .update(new X509Certificate(certificate).publicKey.export({ type: 'spki', format: 'der' }))
    .digest('hex');

/** Certifies the key of a request for 90 days. */
export async function certify(
  enforcer: Pick<Enforcer, 'ID' | 'name' | 'namespace'>,
  certificateRequest: string,
  deps: Pick<Deps, 'clock'>,
): Promise<Pick<Enforcer, 'certificate' | 'certificateExpirationDate'>> {
  const request = await provenRequest('certificateRequest', certificateRequest);
  const notAfter = new Date(deps.clock.now().getTime() + CERTIFICATE_LIFE);
  const subject = { commonName: enforcerName(enforcer), organization: enforcer.namespace, notAfter };
  const certificate = await certified(request, subject, deps);
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

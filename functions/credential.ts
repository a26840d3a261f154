import 'reflect-metadata';
import { webcrypto, X509Certificate } from 'node:crypto';
import { type Pkcs10CertificateRequest, X509CertificateGenerator } from '@peculiar/x509';
import type { AppCredential, Credential } from '../shared/schema/appcredential.ts';
import { ALGORITHM, certified, provenRequest, quoted, wrongRequest } from './certificate-request.ts';
import type { Deps } from './deps.ts';
import { keyOf } from './enforcer-certificate.ts';

const TEN_YEARS = 10 * 365 * 24 * 3600 * 1000;
/** Milliseconds for which the certificate before a renewal goes on being good. */
const FORMER_LIFE = 12 * 3600 * 1000;

const base64 = (text: string): string => Buffer.from(text).toString('base64');

const pem = (label: string, der: ArrayBuffer): string =>
  `-----BEGIN ${label}-----\n${Buffer.from(der).toString('base64').replace(/.{64}/g, '$&\n').trimEnd()}\n-----END ${label}-----\n`;

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

/** What a distinguished name says about itself: `CN=…, O=…` in any order, as openssl and libraries write it. */
const said = (request: Pkcs10CertificateRequest, field: 'CN' | 'O'): string =>
  request.subjectName.getField(field)[0] ?? '';

/**
 * Certifies the new key that the credential's CSR brings, and forgets the CSR. The certificate until now is good for
 * twelve hours more, so that whoever holds it can be reached meanwhile; the same key again renews only the certificate.
 */
export async function renewIn(credential: AppCredential, deps: Pick<Deps, 'clock'>): Promise<void> {
  const { CSR, ID, name, namespace, certificate } = credential;
  if (CSR === '') return;
  const request = await provenRequest('CSR', CSR);
  const commonNameWanted = quoted(commonName(ID, name));
  if (said(request, 'CN') !== commonNameWanted || said(request, 'O') !== namespace) {
    throw wrongRequest('CSR', `its subject must be CN=${commonNameWanted}, O=${namespace}`);
  }
  const now = deps.clock.now().getTime();
  const subject = {
    commonName: commonName(ID, name),
    organization: namespace,
    notAfter: new Date(now + TEN_YEARS),
  };
  const renewed = `${(await certified(request, subject, deps)).toString('pem')}\n`;
  const sameKey = keyOf(renewed) === keyOf(certificate);
  Object.assign(credential, {
    CSR: '',
    certificate: renewed,
    ...(sameKey
      ? {}
      : {
          formerCertificate: certificate,
          formerCertificateExpirationDate: new Date(now + FORMER_LIFE).toISOString(),
        }),
  });
}

const endOf = (pem: string): string => (pem === '' ? '' : new X509Certificate(pem).validTo);

/** A certificate that proves who somebody is, and when that ends. */
export interface Proof {
  pem: string;
  /** Milliseconds since the epoch. */
  until: number;
}

/** Certificates that prove who somebody is now, the newest first. */
export function certificatesOf(credential: AppCredential, now: Date): Proof[] {
  const { certificate, formerCertificate, formerCertificateExpirationDate = '' } = credential;
  const all = [
    { pem: certificate, until: Date.parse(endOf(certificate)) },
    { pem: formerCertificate, until: Date.parse(formerCertificateExpirationDate) },
  ];
  return all.filter(({ until }) => until > now.getTime());
}

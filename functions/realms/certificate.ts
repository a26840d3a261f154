import { X509Certificate } from 'node:crypto';
import { decodeJwt, type JWTVerifyOptions, jwtVerify } from 'jose';
import { z } from 'zod';
import { fromSubnets } from '../../shared/core/authorize.ts';
import { goSeconds } from '../../shared/core/duration.ts';
import type { Enforcer } from '../../shared/schema/enforcer.ts';
import { fail } from '../../shared/schema/failure.ts';
import { NamespacePath, ObjectId, tenantOf } from '../../shared/schema/ids.ts';
import { certificatesOf, commonName, type Proof } from '../credential.ts';
import type { Deps } from '../deps.ts';
import { enforcerName, isCertified, keyOf } from '../enforcer-certificate.ts';
import type { Proven } from './proven.ts';

/** Longest life of an assertion, in seconds (RFC 7523 leaves it to us). */
const LONGEST_ASSERTION = 300;

/** Read before anything is verified: only where to look for the public key. */
const Unverified = z.object({ iss: ObjectId, sub: ObjectId, namespace: NamespacePath });

/** What makes an assertion short-lived and of one use. The library looks only whether it has a `jti`. */
const Once = z.object({ exp: z.number(), iat: z.number(), jti: z.string().min(8).max(256) });

/** Always the same answer: whoever guesses learns nothing. */
const refused = () =>
  fail(
    'unauthorized',
    'the assertion was refused; sign it with ES256 and the credential’s key: iss and sub its ID, namespace its namespace, aud this API’s URL, jti new each time, exp at most 5 minutes ahead',
  );

function decode(token: string): z.infer<typeof Unverified> {
  try {
    return Unverified.parse(decodeJwt(token));
  } catch {
    throw refused();
  }
}

/**
 * Verifies an RFC 7523 assertion against the public key that is stored with the credential. The token's own header
 * says nothing that counts: one algorithm, and no key, URL or certificate in it is looked at.
 */
export async function proveCertificate(token: string, address: string, deps: Deps): Promise<Proven> {
  const { iss, sub, namespace } = decode(token);
  const holder = await holderOf(namespace, sub, address, deps);
  if (!holder || iss !== sub) throw refused();
  const { payload, until } = await verifiedBy(token, holder.certificates, {
    algorithms: ['ES256'],
    issuer: sub,
    subject: sub,
    audience: deps.apiURL,
    currentDate: deps.clock.now(),
    clockTolerance: 30,
    maxTokenAge: LONGEST_ASSERTION,
    requiredClaims: ['exp', 'iat', 'jti'],
  });
  const { success, data: once } = Once.safeParse(payload);
  if (!success || once.exp - once.iat > LONGEST_ASSERTION) throw refused();
  const unused = await deps.store.once(
    tenantOf(namespace),
    `assertion#${sub}#${once.jti}`,
    LONGEST_ASSERTION + 60,
  );
  if (!unused) throw refused();
  return lastingUntil(until, holder.proven, deps);
}

/** No token outlives what proved it: after a renewal the key before is good for hours, and a token of it no longer. */
function lastingUntil(until: number, proven: Proven, { clock }: Pick<Deps, 'clock'>): Proven {
  const left = Math.max(1, Math.floor((until - clock.now().getTime()) / 1000));
  return { ...proven, longest: Math.min(left, proven.longest ?? left) };
}

/** By the first of the certificates that verifies it. */
async function verifiedBy(token: string, certificates: readonly Proof[], rules: JWTVerifyOptions) {
  for (const { pem, until } of certificates) {
    const verified = await jwtVerify(token, new X509Certificate(pem).publicKey, rules).catch(() => undefined);
    if (verified) return { ...verified, until };
  }
  throw refused();
}

/** Whose certificate verifies the assertion, and who the caller is then. */
interface Holder {
  certificates: readonly Proof[];
  proven: Proven;
}

/** The app credential with the ID, or the enforcer, where it may be used. */
async function holderOf(
  namespace: NamespacePath,
  id: ObjectId,
  address: string,
  { store, clock }: Deps,
): Promise<Holder | undefined> {
  const [credential, enforcer] = await Promise.all([
    store.get({ resource: 'appcredential', namespace, id }),
    store.get({ resource: 'enforcer', namespace, id }),
  ]);
  if (enforcer && isCertified(enforcer, clock.now())) return enforcerHolder(enforcer);
  if (!credential || credential.disabled || !fromSubnets(address, credential.authorizedSubnets)) {
    return undefined;
  }
  const longest = goSeconds(credential.maxIssuedTokenValidity);
  return {
    certificates: certificatesOf(credential, clock.now()),
    proven: {
      principal: { realm: 'certificate', sub: id, namespace },
      data: { commonName: commonName(id, credential.name), organization: namespace },
      ...(longest > 0 ? { longest } : {}),
    },
  };
}

const enforcerHolder = (enforcer: Enforcer): Holder => {
  const { ID: sub, namespace, certificate, certificateExpirationDate = '' } = enforcer;
  return {
    certificates: [{ pem: certificate, until: Date.parse(certificateExpirationDate) }],
    proven: {
      principal: { realm: 'enforcer', sub, namespace, key: keyOf(certificate) },
      data: { commonName: enforcerName(enforcer), organization: namespace },
    },
  };
};

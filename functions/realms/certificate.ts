import { X509Certificate } from 'node:crypto';
import { decodeJwt, jwtVerify } from 'jose';
import { z } from 'zod';
import { fromSubnets } from '../../shared/core/authorize.ts';
import { goSeconds } from '../../shared/core/duration.ts';
import { fail } from '../../shared/schema/failure.ts';
import { NamespacePath, ObjectId, tenantOf } from '../../shared/schema/ids.ts';
import { commonName } from '../credential.ts';
import type { Deps } from '../deps.ts';
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
  const credential = await deps.store.get({ resource: 'appcredential', namespace, id: sub });
  if (
    !credential ||
    credential.disabled ||
    iss !== sub ||
    !fromSubnets(address, credential.authorizedSubnets)
  ) {
    throw refused();
  }
  const { payload } = await jwtVerify(token, new X509Certificate(credential.certificate).publicKey, {
    algorithms: ['ES256'],
    issuer: sub,
    subject: sub,
    audience: deps.apiURL,
    currentDate: deps.clock.now(),
    clockTolerance: 30,
    maxTokenAge: LONGEST_ASSERTION,
    requiredClaims: ['exp', 'iat', 'jti'],
  }).catch(() => {
    throw refused();
  });
  const { success, data: once } = Once.safeParse(payload);
  if (!success || once.exp - once.iat > LONGEST_ASSERTION) throw refused();
  const unused = await deps.store.once(
    tenantOf(namespace),
    `assertion#${sub}#${once.jti}`,
    LONGEST_ASSERTION + 60,
  );
  if (!unused) throw refused();
  const longest = goSeconds(credential.maxIssuedTokenValidity);
  return {
    principal: { realm: 'certificate', sub, namespace },
    data: { commonName: commonName(sub, credential.name), organization: namespace },
    ...(longest > 0 ? { longest } : {}),
  };
}

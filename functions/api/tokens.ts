import { createPublicKey, X509Certificate } from 'node:crypto';
import { decodeJwt, exportJWK, jwtVerify } from 'jose';
import { z } from 'zod';
import type { Issue } from '../../shared/api/messages.ts';
import { fromSubnets } from '../../shared/core/authorize.ts';
import { goSeconds } from '../../shared/core/duration.ts';
import { signJwt } from '../../shared/core/jws.ts';
import type { AppCredential } from '../../shared/schema/appcredential.ts';
import { fail } from '../../shared/schema/failure.ts';
import { NamespacePath, ObjectId, tenantOf } from '../../shared/schema/ids.ts';
import type { Handler } from '../call.ts';
import { commonName } from '../credential.ts';
import type { Deps } from '../deps.ts';
import { VERSION } from '../version.ts';

/** Longest life of a token, in seconds. */
const LONGEST_TOKEN = 24 * 3600;
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
async function verify(token: string, address: string, deps: Deps): Promise<AppCredential> {
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
  return credential;
}

/** The shortest of what was asked, what the credential allows and what the server allows; at least a second. */
const seconds = (asked: string, credential: AppCredential): number =>
  Math.max(
    1,
    Math.floor(
      Math.min(
        ...[goSeconds(asked), goSeconds(credential.maxIssuedTokenValidity), LONGEST_TOKEN].filter(
          value => value > 0,
        ),
      ),
    ),
  );

const issueToken: Handler = async (call, deps) => {
  const { metadata, realm, validity } = call.body as Issue;
  if (!metadata) {
    throw fail(
      'invalid',
      "Attribute 'metadata.token' is required: the assertion signed with the credential’s key",
      {
        attribute: 'metadata.token',
      },
    );
  }
  const credential = await verify(metadata.token, call.caller.address, deps);
  const life = seconds(validity, credential);
  const now = Math.floor(deps.clock.now().getTime() / 1000);
  const token = await signJwt(
    {
      iss: deps.apiURL,
      aud: deps.apiURL,
      sub: credential.ID,
      iat: now,
      exp: now + life,
      realm: 'certificate',
      namespace: credential.namespace,
      data: { commonName: commonName(credential.ID, credential.name), organization: credential.namespace },
    },
    data => deps.tokenKey.sign(data),
  );
  return { body: { realm, validity: `${life}s`, token } };
};

const getJwks: Handler = async (_call, { tokenKey }) => {
  const jwk = await exportJWK(createPublicKey(await tokenKey.publicKey()));
  return { body: { keys: [{ ...jwk, alg: 'ES256', use: 'sig' }] } };
};

const getMetaConfig: Handler = async (_call, { apiURL }) => ({ body: { api: apiURL, version: VERSION } });

export const tokens = { issueToken, getJwks, getMetaConfig };

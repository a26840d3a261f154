import { base64url, type CryptoKey, decodeJwt, importPKCS8, SignJWT } from 'jose';
import type { Credential } from '../schema/appcredential.ts';
import { fail } from '../schema/failure.ts';
import { clientOf } from './client-of.ts';
import { tokenRoutes } from './token-routes.ts';

export interface TokenOptions {
  /** URL that the token is for; the credential's own when absent. Also the assertion's audience. */
  api?: string;
  fetch?: typeof fetch;
  /** Milliseconds since the epoch. */
  now: () => number;
  randomBytes: (size: number) => Uint8Array;
  /** Go duration that is asked for; absent: the longest that the credential and the server allow. */
  validity?: string;
}

/** Seconds that an assertion may be used; the API takes at most 300. */
const ASSERTION_LIFETIME = 60;
/** Seconds before its end at which a token is replaced. A request and a clock that is off must fit in. */
const RENEW_BEFORE = 30;

/** PKCS #8 PEM, base64 of which is the credential's `certificateKey`. */
async function privateKeyOf({ ID, certificateKey }: Credential): Promise<CryptoKey> {
  try {
    return await importPKCS8(atob(certificateKey), 'ES256');
  } catch {
    throw fail(
      'unauthorized',
      `the certificateKey of credential ${ID} is not base64 of a P-256 key in PKCS #8 PEM`,
    );
  }
}

/** An RFC 7523 assertion, section 3: who asks (iss, sub), whom (aud), once (jti), for a minute. */
async function assertion(
  credential: Credential,
  audience: string,
  { now, randomBytes }: TokenOptions,
): Promise<string> {
  const seconds = Math.floor(now() / 1000);
  return new SignJWT({ namespace: credential.namespace })
    .setProtectedHeader({ alg: 'ES256', typ: 'JWT' })
    .setIssuer(credential.ID)
    .setSubject(credential.ID)
    .setAudience(audience)
    .setJti(base64url.encode(randomBytes(16)))
    .setIssuedAt(seconds)
    .setExpirationTime(seconds + ASSERTION_LIFETIME)
    .sign(await privateKeyOf(credential));
}

async function issue(credential: Credential, options: TokenOptions): Promise<string> {
  const api = (options.api ?? credential.APIURL).replace(/\/+$/, '');
  const client = clientOf(tokenRoutes, { api, ...(options.fetch ? { fetch: options.fetch } : {}) });
  const { body } = await client.call('issueToken', {
    body: {
      realm: 'AppCredential',
      metadata: { token: await assertion(credential, api, options) },
      ...(options.validity === undefined ? {} : { validity: options.validity }),
    },
  });
  if (!body.token) throw fail('unavailable', `${api} answered without a token`);
  return body.token;
}

/** Seconds since the epoch; 0 when the token does not say, so that it is used once. */
const expiryOf = (token: string): number => {
  try {
    return decodeJwt(token).exp ?? 0;
  } catch {
    return 0;
  }
};

/**
 * Trades a credential for tokens, as `createClient` takes them: one is asked for at the first call and kept until
 * shortly before its end; calls at the same time share one request. A failure is not kept.
 */
export function credentialToken(credential: Credential, options: TokenOptions): () => Promise<string> {
  let held: { token: Promise<string>; until: number } | undefined;
  return async () => {
    if (held && held.until > options.now()) return held.token;
    const asked = { token: issue(credential, options), until: Number.POSITIVE_INFINITY };
    held = asked;
    try {
      asked.until = (expiryOf(await asked.token) - RENEW_BEFORE) * 1000;
    } catch (error) {
      if (held === asked) held = undefined;
      throw error;
    }
    return asked.token;
  };
}

import {
  createLocalJWKSet,
  decodeJwt,
  decodeProtectedHeader,
  errors,
  type JWTPayload,
  jwtVerify,
} from 'jose';
import type { KeySource } from '../../shared/ports/key-sets.ts';
import { Failure, fail } from '../../shared/schema/failure.ts';
import type { PublicKey } from '../../shared/schema/oidc.ts';
import type { Deps } from '../deps.ts';

/** What an identity token of a realm must be. Fixed by the realm or its provider, never by the token. */
export interface Rules {
  /** For the log. */
  realm: string;
  issuer: string;
  audience: string;
  algorithms: readonly string[];
  source: KeySource;
  /** Leaves out keys that may not sign for this issuer. */
  mayUse?: (key: PublicKey) => boolean;
}

/** A verified token: it has a subject and an end. */
export type Verified = JWTPayload & { sub: string; exp: number };

/** Seconds that two clocks may be apart. */
const SKEW = 30;

/** Always the same answer: whoever guesses learns nothing. */
export const identityRefused = (): Failure =>
  fail(
    'unauthorized',
    'the identity token was refused; get a new one from the issuer that is set up here, for the audience that is set up here',
  );

const note = ({ log }: Pick<Deps, 'log'>, realm: string, reason: string): void =>
  log.info('identity token refused', { realm, reason });

/** The claims before anything is verified: only to find out where to look. */
export function unverified(token: string): JWTPayload {
  try {
    return decodeJwt(token);
  } catch {
    throw identityRefused();
  }
}

/** Of the header, only `typ` and `kid` are read here, and `kid` merely chooses among the issuer's own keys. */
function headerOf(token: string): { typ: string; kid: string | undefined } {
  try {
    const { typ = 'JWT', kid } = decodeProtectedHeader(token);
    if (kid !== undefined && (typeof kid !== 'string' || kid.length > 256)) throw identityRefused();
    return { typ: String(typ), kid };
  } catch {
    throw identityRefused();
  }
}

async function keysOf({ realm, source, mayUse }: Rules, kid: string | undefined, deps: Deps) {
  try {
    const keys = await deps.keySets.keys(source, kid);
    return { keys: keys.filter(key => mayUse?.(key) ?? true) };
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    // What exactly went wrong is for operators: a caller could feel about in our network with it.
    deps.log.warn('identity provider could not be asked', { realm, reason: error.message });
    throw fail('unavailable', 'the identity provider could not be asked for its keys; try again in a minute');
  }
}

const isSubject = (sub: unknown): sub is string =>
  typeof sub === 'string' && sub.length > 0 && sub.length <= 256;

/** OpenID Connect Core 1.0, 3.1.3.7, steps 4 and 5: with several audiences, or `azp`, we must be the party meant. */
const isMeant = ({ aud, azp }: JWTPayload, audience: string): boolean =>
  azp === undefined ? !Array.isArray(aud) || aud.length === 1 : azp === audience;

/**
 * Verifies a token of another issuer by RFC 8725: algorithm, keys, issuer and audience are ours to say; it must end,
 * and be an identity token and nothing else that the issuer signs (3.11, 3.12).
 *
 * @throws `unauthorized`; `unavailable` when the issuer's keys cannot be had
 */
export async function verifyIdentityToken(
  token: string,
  rules: Rules,
  deps: Deps,
  checkParty = true,
): Promise<Verified> {
  const { realm, issuer, audience, algorithms } = rules;
  const refuse = (reason: string): Failure => {
    note(deps, realm, reason);
    return identityRefused();
  };
  const { typ, kid } = headerOf(token);
  if (typ.toUpperCase() !== 'JWT') throw refuse('not an identity token, by its type');
  const keys = await keysOf(rules, kid, deps);
  const { payload } = await jwtVerify(token, createLocalJWKSet(keys), {
    algorithms: [...algorithms],
    issuer,
    audience,
    currentDate: deps.clock.now(),
    clockTolerance: SKEW,
    requiredClaims: ['iss', 'aud', 'sub', 'exp', 'iat'],
  }).catch(error => {
    throw refuse(error instanceof errors.JOSEError ? `${error.code} ${error.message}` : 'unreadable');
  });
  const { sub, exp, iat = 0 } = payload;
  if (!isSubject(sub) || exp === undefined) throw refuse('no subject');
  if (iat > deps.clock.now().getTime() / 1000 + SKEW) throw refuse('issued in the future');
  // Cognito says of each token what it is for.
  if ('token_use' in payload && payload.token_use !== 'id') throw refuse('not an identity token, by its use');
  if ('events' in payload) throw refuse('a logout or event token');
  if (checkParty && !isMeant(payload, audience)) throw refuse('meant for another party');
  return { ...payload, sub, exp };
}

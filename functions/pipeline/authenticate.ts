import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import { jwtVerify } from 'jose';
import { fail } from '../../shared/schema/failure.ts';
import { TokenClaims } from '../../shared/schema/token.ts';
import type { Deps } from '../deps.ts';
import { keySetOf } from '../token-keys.ts';

/** Longest token that is looked at or made, in characters. */
export const LONGEST = 8192;

/** The original's name of the cookie that may stand for the header. */
export const COOKIE = 'x-aporeto-token';

const bearer = (event: APIGatewayProxyEventV2): string | undefined => {
  const header = event.headers.authorization;
  if (header !== undefined) return /^Bearer ([\w.-]+)$/i.exec(header)?.[1];
  const cookie = event.cookies?.find(entry => entry.startsWith(`${COOKIE}=`));
  return cookie?.slice(COOKIE.length + 1);
};

/** Tokens that are remembered for one key set; at the limit all are forgotten and verified again. */
const REMEMBERED = 4096;

/** The claims of one of our tokens after RFC 8725's checks: one of our keys, ES256 only, issuer, audience, expiry, size. */
export async function verifyToken(
  token: string,
  deps: Pick<Deps, 'tokenKeys' | 'apiURL' | 'clock'>,
): Promise<TokenClaims> {
  // Verifying costs more than all else in a small request.
  const { find, claims: remembered } = keySetOf(deps.tokenKeys);
  const now = deps.clock.now();
  const known = remembered.get(token);
  if (known && known.exp * 1000 > now.getTime()) return known.claims;
  try {
    if (token.length > LONGEST) throw new RangeError('too long');
    const { payload } = await jwtVerify(token, await find, {
      algorithms: ['ES256'],
      issuer: deps.apiURL,
      audience: deps.apiURL,
      currentDate: now,
      requiredClaims: ['exp', 'iat', 'sub'],
    });
    const claims = TokenClaims.parse(payload);
    if (remembered.size >= REMEMBERED) remembered.clear();
    remembered.set(token, { claims, exp: payload.exp ?? 0 });
    return claims;
  } catch {
    // The reason is not told: a forger learns nothing, and the remedy is the same for every honest caller.
    throw fail('unauthorized', 'the token is not valid here or has expired; get a new one from POST /issue');
  }
}

/** The claims of the token that came with a request. */
export async function authenticate(
  event: APIGatewayProxyEventV2,
  deps: Pick<Deps, 'tokenKeys' | 'apiURL' | 'clock'>,
): Promise<TokenClaims> {
  const token = bearer(event);
  if (token === undefined || token.length > LONGEST) {
    throw fail(
      'unauthorized',
      'no usable token; send `Authorization: Bearer <token>` with a token of POST /issue',
    );
  }
  return verifyToken(token, deps);
}

/** Tags that say who vouches for the rest. No realm's data may say them. */
const OWN = ['realm', 'subject', 'namespace'];

/** `@auth:` tags as policies match them: the subject and every data entry, keys in lower case. */
export const claimTags = (claims: TokenClaims): string[] =>
  [
    `@auth:realm=${claims.realm}`,
    `@auth:subject=${claims.sub}`,
    // Two namespaces may both have a provider whose users bear the same names.
    ...(claims.realm === 'oidc' ? [`@auth:namespace=${claims.namespace}`] : []),
    ...Object.entries(claims.data)
      .map(([key, value]): [string, string] => [key.toLowerCase(), value])
      .filter(([key]) => !OWN.includes(key))
      .map(([key, value]) => `@auth:${key}=${value}`),
  ].sort();

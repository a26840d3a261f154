import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import { importSPKI, jwtVerify } from 'jose';
import { z } from 'zod';
import { fail } from '../../shared/schema/failure.ts';
import { NamespacePath, ObjectId } from '../../shared/schema/ids.ts';
import type { Deps } from '../deps.ts';

/** What our own tokens say. Nothing in them is trusted beyond who calls: rights are read afresh on every request. */
const TokenClaims = z.object({
  sub: ObjectId,
  realm: z.literal('certificate'),
  /** Namespace of the credential, which with `sub` is its key. */
  namespace: NamespacePath,
  data: z.record(z.string(), z.string()),
});
export type TokenClaims = z.infer<typeof TokenClaims>;

/** Longest token that is looked at, in characters. */
const LONGEST = 8192;

const bearer = (event: APIGatewayProxyEventV2): string | undefined => {
  const header = event.headers.authorization;
  if (header !== undefined) return /^Bearer ([\w.-]+)$/i.exec(header)?.[1];
  const cookie = event.cookies?.find(entry => entry.startsWith('x-aporeto-token='));
  return cookie?.slice('x-aporeto-token='.length);
};

/** The token's claims after RFC 8725's checks: our key, ES256 only, issuer, audience, expiry, size. */
export async function authenticate(
  event: APIGatewayProxyEventV2,
  deps: Pick<Deps, 'tokenKey' | 'apiURL' | 'clock'>,
): Promise<TokenClaims> {
  const token = bearer(event);
  if (token === undefined || token.length > LONGEST) {
    throw fail(
      'unauthorized',
      'no usable token; send `Authorization: Bearer <token>` with a token of POST /issue',
    );
  }
  try {
    const key = await importSPKI(await deps.tokenKey.publicKey(), 'ES256');
    const { payload } = await jwtVerify(token, key, {
      algorithms: ['ES256'],
      issuer: deps.apiURL,
      audience: deps.apiURL,
      currentDate: deps.clock.now(),
      requiredClaims: ['exp', 'iat', 'sub'],
    });
    return TokenClaims.parse(payload);
  } catch {
    // The reason is not told: a forger learns nothing, and the remedy is the same for every honest caller.
    throw fail('unauthorized', 'the token is not valid here or has expired; get a new one from POST /issue');
  }
}

/** `@auth:` tags as policies match them: the subject and every data entry, keys in lower case. */
export const claimTags = (claims: TokenClaims): string[] =>
  [
    `@auth:realm=${claims.realm}`,
    `@auth:subject=${claims.sub}`,
    ...Object.entries(claims.data).map(([key, value]) => `@auth:${key.toLowerCase()}=${value}`),
  ].sort();

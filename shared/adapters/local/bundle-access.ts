import { importSPKI, jwtVerify } from 'jose';
import { z } from 'zod';
import { signJwt } from '../../core/jws.ts';
import type { BundleAccess } from '../../ports/bundle-access.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Signer } from '../../ports/signer.ts';
import { RELEASES } from '../../schema/enforcerrelease.ts';
import { ObjectId } from '../../schema/ids.ts';

/** Session tokens of one process: a signed token that names one prefix stands for STS credentials scoped to it. */
export interface LocalBundleAccess extends BundleAccess {
  /** Whether a session token, sent as S3 clients send it (`x-amz-security-token`), may read a key of the bucket now. */
  allows(sessionToken: string, key: string): Promise<boolean>;
}

const SECONDS = 3600;
const AUDIENCE = 'bundles';
/** Tokens that are remembered; at the limit all are forgotten and verified again. */
const REMEMBERED = 65_536;
/** Longest token that is looked at, in characters. */
const LONGEST = 4096;

/** Exactly what `grant` signs. */
const Claims = z.strictObject({
  aud: z.literal(AUDIENCE),
  sub: z.string(),
  prefix: z.string().regex(/^bundles\/[0-9a-f]{24}\/$/),
  iat: z.number(),
  exp: z.number(),
});

/** `url` is asked at each grant, because the port is known only once the server listens: `http://127.0.0.1:8080`. */
export function openBundleAccess({
  signer,
  clock,
  url,
}: {
  signer: Signer;
  clock: Pick<Clock, 'now'>;
  url: () => string;
}): LocalBundleAccess {
  /** Prefix by token, each until its end: a poll should not cost a verification. */
  const known = new Map<string, { prefix: string; exp: number }>();
  let publicKey: ReturnType<typeof importSPKI> | undefined;
  const prefixOf = async (token: string): Promise<string | undefined> => {
    const now = clock.now();
    const seen = known.get(token);
    if (seen && seen.exp * 1000 > now.getTime()) return seen.prefix;
    publicKey ??= signer.publicKey().then(pem => importSPKI(pem, 'ES256'));
    const verified = await jwtVerify(token, await publicKey, {
      algorithms: ['ES256'],
      audience: AUDIENCE,
      currentDate: now,
      requiredClaims: ['exp', 'sub'],
    }).catch(() => undefined);
    const claims = Claims.safeParse(verified?.payload);
    if (!claims.success) return undefined;
    if (known.size >= REMEMBERED) known.clear();
    known.set(token, { prefix: claims.data.prefix, exp: verified?.payload.exp ?? 0 });
    return claims.data.prefix;
  };
  return {
    async grant(namespaceID, subject) {
      const now = Math.floor(clock.now().getTime() / 1000);
      const prefix = `bundles/${ObjectId.parse(namespaceID)}/`;
      const claims = { aud: AUDIENCE, sub: subject, prefix, iat: now, exp: now + SECONDS };
      return {
        url: `${url()}/${prefix.slice(0, -1)}`,
        // S3 clients will not sign without a key pair; nothing checks it here, the token alone decides.
        accessKeyID: 'session',
        secretAccessKey: 'session',
        sessionToken: await signJwt(claims, data => signer.sign(data)),
        expiration: new Date((now + SECONDS) * 1000).toISOString(),
      };
    },
    async allows(sessionToken, key) {
      if (sessionToken.length > LONGEST) return false;
      const prefix = await prefixOf(sessionToken);
      return prefix !== undefined && (key.startsWith(prefix) || key.startsWith(RELEASES));
    },
  };
}

import { importSPKI, jwtVerify } from 'jose';
import { z } from 'zod';
import { signJwt } from '../../core/jws.ts';
import type { BundleAccess } from '../../ports/bundle-access.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Signer } from '../../ports/signer.ts';
import { ObjectId } from '../../schema/ids.ts';

/** Session tokens of one process: a signed token that names one prefix stands for STS credentials scoped to it. */
export interface LocalBundleAccess extends BundleAccess {
  /** Whether a session token, sent as S3 clients send it (`x-amz-security-token`), may read a key of the bucket now. */
  allows(sessionToken: string, key: string): Promise<boolean>;
}

const SECONDS = 3600;
const AUDIENCE = 'bundles';
/** Longest token that is looked at, in characters. */
const LONGEST = 4096;

const Claims = z.object({ prefix: z.string().regex(/^bundles\/[0-9a-f]{24}\/$/) });

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
      const publicKey = await importSPKI(await signer.publicKey(), 'ES256');
      const verified = await jwtVerify(sessionToken, publicKey, {
        algorithms: ['ES256'],
        audience: AUDIENCE,
        currentDate: clock.now(),
        requiredClaims: ['exp', 'sub'],
      }).catch(() => undefined);
      const claims = Claims.safeParse(verified?.payload);
      return claims.success && key.startsWith(claims.data.prefix);
    },
  };
}

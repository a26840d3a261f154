import { importSPKI, jwtVerify } from 'jose';
import { z } from 'zod';
import { signJwt } from '../../core/jws.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Signer } from '../../ports/signer.ts';
import { PLACE_LIFE, type Upload, type Uploads } from '../../ports/uploads.ts';
import { uploadKey } from '../bucket-key.ts';

/** Places to upload to in one process: a signed token that names key, size and type stands for a presigned URL. */
export interface LocalUploads extends Uploads {
  /** What may be put under the key with the token; undefined: nothing. */
  allowed(token: string, key: string): Promise<Upload | undefined>;
}

const AUDIENCE = 'uploads';
/** Longest token that is looked at, in characters. */
const LONGEST = 4096;

/** Exactly what `place` signs. */
const Claims = z.strictObject({
  aud: z.literal(AUDIENCE),
  sub: z.string(),
  size: z.int(),
  type: z.string(),
  iat: z.number(),
  exp: z.number(),
});

/** `url` is asked each time, because the port is known only once the server listens. */
export function openUploads({
  signer,
  clock,
  url,
}: {
  signer: Signer;
  clock: Pick<Clock, 'now'>;
  url: () => string;
}): LocalUploads {
  return {
    async place(key, { size, contentType }) {
      const now = Math.floor(clock.now().getTime() / 1000);
      const exp = now + PLACE_LIFE;
      const claims = { aud: AUDIENCE, sub: uploadKey(key), size, type: contentType, iat: now, exp };
      const token = await signJwt(claims, data => signer.sign(data));
      return {
        url: `${url()}/${key}?token=${token}`,
        method: 'PUT',
        headers: { 'content-type': contentType, 'content-length': String(size) },
        expiration: new Date(exp * 1000).toISOString(),
      };
    },
    async allowed(token, key) {
      if (token.length > LONGEST) return undefined;
      const verified = await jwtVerify(token, await importSPKI(await signer.publicKey(), 'ES256'), {
        algorithms: ['ES256'],
        audience: AUDIENCE,
        currentDate: clock.now(),
        requiredClaims: ['exp', 'sub'],
      }).catch(() => undefined);
      const claims = Claims.safeParse(verified?.payload);
      if (!claims.success || claims.data.sub !== key) return undefined;
      return { size: claims.data.size, contentType: claims.data.type };
    },
  };
}

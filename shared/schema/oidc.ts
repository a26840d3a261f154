import { z } from 'zod';

/** A public key of a JWK set (RFC 7517), without whatever else stands beside it: private parts, certificates, URLs. */
export const PublicKey = z.object({
  kty: z.enum(['RSA', 'EC', 'OKP']),
  kid: z.string().max(256).exactOptional(),
  use: z.string().exactOptional(),
  alg: z.string().exactOptional(),
  key_ops: z.array(z.string()).exactOptional(),
  n: z.string().exactOptional(),
  e: z.string().exactOptional(),
  crv: z.string().exactOptional(),
  x: z.string().exactOptional(),
  y: z.string().exactOptional(),
  /** Microsoft: the only issuer whose tokens the key signs, `{tenantid}` for any tenant. */
  issuer: z.string().exactOptional(),
});
export type PublicKey = z.infer<typeof PublicKey>;

/** What is read of `/.well-known/openid-configuration` (OpenID Connect Discovery 1.0, 4.2). */
export const Discovery = z.object({ issuer: z.string(), jwks_uri: z.url() });

/** Keys of other kinds may stand in a set; they are left out. */
export const KeySet = z.object({
  keys: z
    .array(z.unknown())
    .max(100)
    .transform(keys =>
      keys.flatMap(key => {
        const read = PublicKey.safeParse(key);
        return read.success ? [read.data] : [];
      }),
    ),
});

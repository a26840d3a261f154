import { z } from 'zod';
import { NamespacePath, ObjectId } from './ids.ts';

/**
 * What a token may be used for, of all that its caller may do. An absent part restricts nothing; an empty list lets
 * nothing through.
 */
export const Restrictions = z.object({
  /** In this namespace and below. */
  namespace: NamespacePath.optional(),
  /** Roles and raw permissions, `@auth:role=…` or `identity,verb…`. */
  perms: z.array(z.string()).optional(),
  /** Networks of callers, CIDRs and `!` CIDRs. */
  networks: z.array(z.string()).optional(),
});
export type Restrictions = z.infer<typeof Restrictions>;

/** Who a token was issued to, by the realm that found it out. Realms are lower-case here, as in `@auth:realm=`. */
export const Principal = z.discriminatedUnion('realm', [
  /** `sub` is the ID of the app credential, `namespace` where it lives. */
  z.object({ realm: z.literal('certificate'), sub: ObjectId, namespace: NamespacePath }),
  /** `sub` is the ID of the enforcer, `namespace` where it lives, `key` the digest of the public key that it proved. */
  z.object({ realm: z.literal('enforcer'), sub: ObjectId, namespace: NamespacePath, key: z.string() }),
  /** `provider` is the ID of the OIDC provider, `namespace` where it lives. */
  z.object({
    realm: z.literal('oidc'),
    sub: z.string().min(1),
    namespace: NamespacePath,
    provider: ObjectId,
  }),
  z.object({
    realm: z.enum(['awssecuritytoken', 'azureidentitytoken', 'gcpidentitytoken', 'pcidentitytoken']),
    sub: z.string().min(1),
  }),
]);
export type Principal = z.infer<typeof Principal>;

/** What our own tokens say. Nothing in them is trusted beyond who calls: rights are read afresh on every request. */
export const TokenClaims = z.intersection(
  Principal,
  z.object({
    /** Seconds since the epoch. */
    exp: z.number(),
    /** What the realm says of the caller; each entry is an `@auth:` tag. */
    data: z.record(z.string(), z.string()),
    restrictions: Restrictions.default({}),
    /** Uses after which the counter `quotaid` is exhausted; absent: unlimited. */
    quota: z.int().min(1).optional(),
    /** Tokens that were traded for one another share a counter. */
    quotaid: z.string().optional(),
    /** For whoever reads the token; policies never see it. */
    opaque: z.record(z.string(), z.string()).default({}),
  }),
);
export type TokenClaims = z.infer<typeof TokenClaims>;
/** How many generations of keys before and after the one that signs are believed. */
const AROUND = 1;

/** The generations, from 1, that verify while `signs` signs. */
export const generationsAround = (signs: number): number[] => {
  const first = Math.max(1, signs - AROUND);
  return Array.from({ length: signs + AROUND - first + 1 }, (_, at) => first + at);
};

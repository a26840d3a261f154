import { z } from 'zod';
import { AuthorizedIdentity } from '../schema/apiauthorizationpolicy.ts';
import { NamespacePath } from '../schema/ids.ts';
import { CidrList } from '../schema/network-entry.ts';

/** Go duration, `1h30m`. */
const Duration = z.string().regex(/^(0|(\d+(\.\d+)?(ns|us|ms|s|m|h))+)$/, 'must be a duration such as 1h');

/** What a token is asked to be, whatever proves who asks. Restrictions only ever shrink. */
const asked = {
  validity: Duration.default('24h').describe(
    "Capped by what proved the caller and by the server's 24 hours; `0`: as long as allowed.",
  ),
  quota: z
    .int()
    .min(0)
    .max(1_000_000)
    .default(0)
    .describe('Requests that the token may be used for; 0: any number.'),
  audience: z
    .string()
    .max(512)
    .default('')
    .describe('Who the token is for; this API takes only its own. Absent: this API.'),
  opaque: z
    .record(z.string().max(256), z.string().max(1024))
    .default({})
    .describe('For whoever reads the token; policies never see it.'),
  restrictedNamespace: z
    .union([z.literal(''), NamespacePath])
    .default('')
    .describe('The token is of use in this namespace and below only.'),
  restrictedPermissions: z
    .array(AuthorizedIdentity)
    .max(100)
    .default([])
    .describe('Roles or permissions, of which the token has no more than its caller holds.'),
  restrictedNetworks: CidrList.describe('The token is of use from these networks only.'),
  claims: z.unknown().optional().describe('Kept for clients of the original, which send what they will get.'),
  data: z.literal('').optional().describe('Kept for clients of the original: only empty.'),
  token: z.literal('').optional().describe('Kept for clients of the original: only empty.'),
};

/** Longest token of another issuer that is looked at, in characters. */
const IdentityToken = z.string().min(1).max(16_384);
const realm = <R extends string>(name: R) =>
  z.literal(name).describe('What `metadata` proves the caller with.');
const withToken = z
  .strictObject({ token: IdentityToken.describe('Token of the issuer.') })
  .prefault({} as { token: string });

/** An RFC 7523 assertion signed with the credential's key; `iss` and `sub` its ID, `aud` the API's URL. */
const assertion = z
  .strictObject({
    token: z
      .string()
      .max(4096)
      .describe(
        'An RFC 7523 assertion signed with the key; `iss` and `sub` its ID, `aud` the URL of the API.',
      ),
  })
  .prefault({} as { token: string });

/** Body of `POST /issue`, in the original's fields: the realm says what `metadata` proves the caller with. */
export const IssueRequest = z.discriminatedUnion(
  'realm',
  [
    z.strictObject({ ...asked, realm: realm('AppCredential'), metadata: assertion.describe('The proof.') }),
    /** The original's name for it. */
    z.strictObject({ ...asked, realm: realm('Certificate'), metadata: assertion.describe('The proof.') }),
    z.strictObject({
      ...asked,
      realm: realm('OIDC'),
      metadata: z
        .strictObject({
          namespace: NamespacePath.describe('Where the provider lives.'),
          OIDCProviderName: z
            .string()
            .max(256)
            .default('')
            .describe("Absent: the namespace's default provider."),
          token: IdentityToken.describe('ID token of the provider.'),
        })
        .describe('The proof.'),
    }),
    z.strictObject({
      ...asked,
      realm: realm('AWSSecurityToken'),
      metadata: z
        .strictObject({
          url: z
            .string()
            .max(256)
            .optional()
            .describe(
              '`https://sts.<region>.amazonaws.com/`, where a signed GetCallerIdentity is to be sent.',
            ),
          headers: z
            .record(z.string().max(64), z.string().max(8192))
            .optional()
            .describe('Headers of that request, signature and all.'),
          accessKeyID: z
            .string()
            .max(128)
            .optional()
            .describe('Or, as the original, temporary credentials themselves.'),
          secretAccessKey: z.string().max(256).optional().describe('Of the temporary credentials.'),
          token: z.string().max(8192).optional().describe('Session token of the temporary credentials.'),
        })
        .prefault({})
        .describe('The proof: a signed request, or credentials.'),
    }),
    z.strictObject({
      ...asked,
      realm: realm('GCPIdentityToken'),
      metadata: withToken.describe('The proof.'),
    }),
    z.strictObject({
      ...asked,
      realm: realm('AzureIdentityToken'),
      metadata: withToken.describe('The proof.'),
    }),
    z.strictObject({ ...asked, realm: realm('PCIdentityToken'), metadata: withToken.describe('The proof.') }),
    /** A token of this API, for one with as much or less. */
    z.strictObject({
      ...asked,
      realm: realm('AporetoIdentityToken'),
      metadata: withToken.describe('The proof.'),
    }),
  ],
  {
    error: issue =>
      issue.code === 'invalid_union'
        ? 'use AppCredential, Certificate, OIDC, AWSSecurityToken, GCPIdentityToken, AzureIdentityToken, PCIdentityToken or AporetoIdentityToken'
        : undefined,
  },
);
export type IssueRequest = z.infer<typeof IssueRequest>;

/** Answer of `POST /issue`. */
export const Issue = z.strictObject({
  realm: z.string().describe('As asked.'),
  validity: z.string().describe('How long the token lives: a Go duration in seconds.'),
  quota: z.int().optional().describe('Uses that the token has; absent: any number.'),
  token: z.string().optional().describe('Absent with `asCookie`.'),
  claims: z.record(z.string(), z.unknown()).optional().describe('What the token says, such as when it ends.'),
});
export type Issue = z.infer<typeof Issue>;

export const Jwks = z.object({
  keys: z.array(z.record(z.string(), z.unknown())).describe('JSON Web Keys (RFC 7517).'),
});

export const MetaConfig = z.object({
  api: z.string().describe('Public URL of this API; the audience of assertions.'),
  events: z.string().describe('Public URL of push events: a WebSocket.'),
  version: z.string().describe('Version of this software.'),
});

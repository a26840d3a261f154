import { z } from 'zod';
import { Description, Disabled, resource } from './resource.ts';

/** An issuer as OpenID Connect Discovery 1.0 wants it: no query, no fragment. http only to this very machine. */
const Issuer = z
  .url()
  .max(512)
  .regex(
    /^(https:\/\/|http:\/\/(127\.0\.0\.1|localhost|\[::1\])[:/])[^?#@\s]+$/,
    'must be the issuer’s https URL, exactly as its tokens name it, without query, fragment and user',
  );

/** `sub` is always taken, and these the API fills in itself. */
const RESERVED = ['namespace', 'realm', 'subject'];

export const oidcprovider = resource({
  identity: 'oidcprovider',
  plural: 'oidcproviders',
  aliases: ['oidcprov', 'oidcprovs'],
  group: 'authorizations',
  summary: 'An OpenID Connect issuer whose identity tokens are taken in the namespace',
  defaultOrder: 'name',
  unique: 'name',
  older: {
    attributes: ['certificateAuthority', 'parentID', 'parentName'],
    instead: () => 'issuers are verified with public certificate authorities alone; leave it out',
  },
  readOnly: {},
  createOnly: {
    name: z
      .string()
      .min(1, 'must not be empty')
      .max(256)
      .describe('Unique in the namespace; `OIDCProviderName` of `POST /issue`.'),
  },
  writable: {
    description: Description,
    endpoint: Issuer.describe('The issuer: `iss` of its tokens, and where discovery begins.'),
    clientID: z
      .string()
      .min(1, 'must not be empty')
      .max(256)
      .describe('What the issuer calls this API: tokens must be for this audience.'),
    clientSecret: z
      .string()
      .max(1024)
      .optional()
      .describe('Taken from scripts and left out: identity tokens are verified with public keys alone.'),
    default: z.boolean().default(false).describe('Taken where a caller names no provider.'),
    scopes: z
      .array(z.string().min(1).max(256))
      .max(100)
      .default([])
      .describe('Kept for clients that send people to the issuer.'),
    subjects: z
      .array(
        z
          .string()
          .regex(/^[^\s=]{1,256}$/, 'must be the name of a claim, without space and =')
          .refine(name => !RESERVED.includes(name.toLowerCase()), {
            error: issue => `\`${String(issue.input)}\` is filled in by this API; leave it out`,
          }),
      )
      .max(100)
      .default([])
      .describe(
        'Claims that become `@auth:<claim>=<value>`, and for lists `@auth:<claim>:<entry>=true`. `sub` always does.',
      ),
    disabled: Disabled,
  },
  secrets: ['clientSecret'],
});
export type OidcProvider = z.infer<typeof oidcprovider.stored>;

import { z } from 'zod';
import { AuthorizedIdentity } from '../schema/apiauthorizationpolicy.ts';
import { NamespacePath } from '../schema/ids.ts';
import { CidrList } from '../schema/network-entry.ts';
import { Tag } from '../schema/tag.ts';

/** Who somebody is and what they may do, in the original's attributes. */

export const AuthnRequest = z.strictObject({
  token: z.string().min(1).max(8192).describe('A token of this API.'),
});
export type AuthnRequest = z.infer<typeof AuthnRequest>;

export const Authn = z.object({
  claims: z.record(z.string(), z.unknown()).describe("The token's claims."),
  tags: z.array(Tag).describe('`@auth:` tags by which API authorizations select its bearer.'),
});
export type Authn = z.infer<typeof Authn>;

const Claims = z.array(Tag).min(1, 'give the claims of the caller, such as @auth:realm=oidc');

export const AuthzRequest = z.strictObject({
  claims: Claims.describe('`@auth:` tags of the caller that is asked about.'),
  targetNamespace: NamespacePath.describe("The request's namespace or one below."),
  clientIP: z
    .union([z.literal(''), z.ipv4(), z.ipv6()])
    .default('')
    .describe('Where it calls from.'),
  restrictedNamespace: z
    .union([z.literal(''), NamespacePath])
    .default('')
    .describe('As in `POST /issue`.'),
  restrictedPermissions: z.array(AuthorizedIdentity).max(100).default([]).describe('As in `POST /issue`.'),
  restrictedNetworks: CidrList.describe('As in `POST /issue`.'),
});
export type AuthzRequest = z.infer<typeof AuthzRequest>;

const Permissions = z.record(z.string(), z.record(z.string(), z.boolean()));

export const Authz = z.object({
  permissions: Permissions.describe(
    'Identity → verb → true. `*` stands for every identity, `any` for every verb.',
  ),
});
export type Authz = z.infer<typeof Authz>;

const Operation = z.enum(['Create', 'Delete', 'Info', 'Patch', 'Retrieve', 'RetrieveMany', 'Update']);

export const ApiCheckRequest = z.strictObject({
  namespace: NamespacePath.describe("The request's namespace or one below."),
  operation: Operation.describe('What would be done.'),
  targetIdentities: z
    .array(z.string().max(256))
    .min(1, 'name at least one resource, such as networkrulesetpolicy')
    .max(100)
    .describe('To what: singular, plural or alias.'),
});
export type ApiCheckRequest = z.infer<typeof ApiCheckRequest>;

export const ApiCheck = z.object({
  authorized: z.record(z.string(), z.boolean()).describe('Identity, as asked → whether the caller may.'),
});
export type ApiCheck = z.infer<typeof ApiCheck>;

export const DiscoveryMode = z.object({
  ID: z.string().describe('Of the namespace.'),
  namespace: NamespacePath.describe('The namespace.'),
  enabled: z.boolean().describe('Whatever no rule rejects is allowed in it, both ways.'),
});
export type DiscoveryMode = z.infer<typeof DiscoveryMode>;

export const MetaName = z.object({ name: z.string().describe('Of this software.') });
export const MetaVersion = z.object({
  version: z.string().describe('Of this software.'),
  api: z.int().describe('Of the API: what a path may begin with, `/v/1`.'),
});
/** Path → the operations on it, as the original lists them. */
export const MetaRoute = z.object({
  URL: z.string().describe('Path; what is in braces differs.'),
  verbs: z.array(z.string()).describe('Methods.'),
  private: z.boolean().describe('False: all of them are documented.'),
});

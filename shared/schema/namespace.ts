import { z } from 'zod';
import { Description, resource } from './resource.ts';
import { OrganizationalMetadata, TagPrefix } from './tag.ts';

export const NAMESPACE_NAME = /^[a-zA-Z0-9-_/]+$/;

/** `Inherit`: the value of the nearest ancestor that says something else; Reject at the root. */
export const TrafficAction = z.enum(['Allow', 'Reject', 'Inherit']);
export const NamespaceType = z.enum(['Default', 'Tenant', 'CloudAccount', 'Group', 'Kubernetes']);

/**
 * Where its deletion stands, when it was asked for. `Checking`: nothing can be created in it while its contents are
 * looked at. `Purging`: it and everything below is not found, and a workflow removes it. `Hidden`: the same, below one
 * that is being purged.
 */
export const Deletion = z.enum(['Checking', 'Purging', 'Hidden']);
export type Deletion = z.infer<typeof Deletion>;

/** Whether a namespace counts as gone already, with everything below it: nobody is shown it, nothing in it counts. */
export const isHidden = ({ deletion }: { deletion?: Deletion | undefined }): boolean =>
  deletion === 'Purging' || deletion === 'Hidden';

/** What happens to a tag that no effective prefix lists. `Inherit` at the root means Warn. */
export const TagPrefixEnforcement = z.enum(['Inherit', 'Warn', 'Enforce']);

/** Empty: the latest. */
export const SemVer = z.union([
  z.literal(''),
  z
    .string()
    .regex(
      /^v?\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$/,
      'must be a semantic version such as 1.2.3 or v1.2.3, or empty for the latest',
    ),
]);

export const namespace = resource({
  identity: 'namespace',
  plural: 'namespaces',
  aliases: ['ns'],
  group: 'namespaces',
  summary: 'A node of the tree that everything else lives in',
  unique: 'name',
  defaultOrder: 'name',
  refs: ['deletion'],
  // What a public client of the original sends: `group` for the type, and a list under a misspelt name.
  older: {
    attributes: ['group', 'AssociatedTags'],
    says: value => Array.isArray(value) && value.length > 0,
    instead: () => 'attributes are told by their exact names; write associatedTags',
  },
  readOnly: {
    JWTCertificates: z
      .record(z.string(), z.string())
      .default({})
      .describe('Kept for clients of the original: always empty.'),
    associatedSSHCAID: z.string().default('').describe('Kept for clients of the original.'),
    zoning: z.int().default(0).describe('Kept for clients of the original.'),
    deletion: Deletion.optional().describe('Absent, unless it is being deleted.'),
  },
  createOnly: {
    name: z
      .string()
      .regex(NAMESPACE_NAME, 'may hold letters, digits, - and _ only')
      .max(1024)
      .describe('Short name when it is created, full path ever after.'),
    type: NamespaceType.default('Default').describe('What level of the tree it stands for.'),
    customZoning: z.boolean().default(false).describe('Kept for clients of the original.'),
  },
  writable: {
    description: Description,
    defaultPUIncomingTrafficAction: TrafficAction.default('Inherit').describe(
      'What happens to incoming traffic that no rule decides; `Allow` in both directions is discovery mode.',
    ),
    defaultPUOutgoingTrafficAction: TrafficAction.default('Inherit').describe(
      'What happens to outgoing traffic that no rule decides.',
    ),
    tagPrefixes: z
      .array(TagPrefix)
      .default([])
      .describe(
        'Beginnings of tags that rulesets may use here and below, beside the default and the inherited ones.',
      ),
    tagPrefixEnforcement: TagPrefixEnforcement.default('Inherit').describe(
      'What happens to tags in rulesets that no prefix lists: `Warn` tells, `Enforce` lets them match nothing.',
    ),
    organizationalMetadata: OrganizationalMetadata.describe(
      'Tags, each beginning with `@org:`, that objects created here and below take over.',
    ),
    defaultEnforcerVersion: SemVer.default('').describe(
      'Version that enforcers here should have; empty: the latest.',
    ),
    JWTCertificateType: z
      .enum(['RSA', 'EC', 'None'])
      .default('None')
      .describe('Kept for clients of the original.'),
    localCAEnabled: z.boolean().default(false).describe('Kept for clients of the original.'),
    SSHCAEnabled: z.boolean().default(false).describe('Kept for clients of the original.'),
    networkAccessPolicyTags: z.array(z.string()).default([]).describe('Kept for clients of the original.'),
    serviceCertificateValidity: z.string().default('168h').describe('Kept for clients of the original.'),
  },
});
export type Namespace = z.infer<typeof namespace.stored>;

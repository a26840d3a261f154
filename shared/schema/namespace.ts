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

const SemVer = z.union([
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
  readOnly: {
    JWTCertificates: z.record(z.string(), z.string()).default({}),
    associatedSSHCAID: z.string().default(''),
    zoning: z.int().default(0),
    /** Absent, unless it is being deleted. */
    deletion: Deletion.optional(),
  },
  createOnly: {
    name: z.string().regex(NAMESPACE_NAME, 'may hold letters, digits, - and _ only').max(1024),
    type: NamespaceType.default('Default'),
    customZoning: z.boolean().default(false),
  },
  writable: {
    description: Description,
    defaultPUIncomingTrafficAction: TrafficAction.default('Inherit'),
    defaultPUOutgoingTrafficAction: TrafficAction.default('Inherit'),
    tagPrefixes: z.array(TagPrefix).default([]),
    tagPrefixEnforcement: TagPrefixEnforcement.default('Inherit'),
    organizationalMetadata: OrganizationalMetadata,
    defaultEnforcerVersion: SemVer.default(''),
    JWTCertificateType: z.enum(['RSA', 'EC', 'None']).default('None'),
    localCAEnabled: z.boolean().default(false),
    SSHCAEnabled: z.boolean().default(false),
    networkAccessPolicyTags: z.array(z.string()).default([]),
    serviceCertificateValidity: z.string().default('168h'),
  },
});
export type Namespace = z.infer<typeof namespace.stored>;

import { z } from 'zod';
import { NamespacePath, ObjectId } from '../schema/ids.ts';
import { NamespaceType, SemVer } from '../schema/namespace.ts';
import { Tag } from '../schema/tag.ts';

/**
 * What counts in the namespace of `X-Namespace`, in the original's attributes. Every value is effective: its own, its
 * ancestors', or the default. As everywhere, a GET without an ID answers a list: these are lists of one.
 */
const Effective = z.enum(['Allow', 'Reject']);

const policy = {
  prefixes: z.array(z.string()).describe("Defaults, every ancestor's and its own."),
  PUIncomingTrafficAction: Effective.describe('What happens to incoming traffic that no rule decides.'),
  PUOutgoingTrafficAction: Effective.describe('What happens to outgoing traffic that no rule decides.'),
};

export const NamespacePolicyInfo = z.object(policy);

/** A value that counts in the namespace, and which namespace said so; the root when none did. */
const setIn = <T extends z.ZodType>(value: T) =>
  z.object({
    value: value.describe('What counts.'),
    namespace: NamespacePath.describe('Which namespace said so; the root when none did.'),
  });

export const NamespaceInfo = z.object({
  name: NamespacePath.describe('Full path.'),
  description: z.string().describe('For people.'),
  protected: z.boolean().describe('Whether it must be unprotected before it is changed.'),
  ...policy,
  effective: z
    .object({
      defaultPUIncomingTrafficAction: setIn(Effective).describe('For incoming traffic that no rule decides.'),
      defaultPUOutgoingTrafficAction: setIn(Effective).describe('For outgoing traffic that no rule decides.'),
      tagPrefixEnforcement: setIn(z.enum(['Warn', 'Enforce'])).describe('For tags that no prefix lists.'),
      defaultEnforcerVersion: setIn(z.string()).describe('Semantic version; empty: the latest.'),
      tagPrefixes: z
        .array(setIn(z.string()))
        .describe('Each prefix, and the first namespace from the root down that lists it.'),
      organizationalMetadata: z
        .array(setIn(Tag))
        .describe('Each tag, and the first namespace from the root down that has it.'),
    })
    .describe('What counts, and where each of it comes from.'),
});

/** Every ancestor's and its own, which what is created in the namespace takes over. */
export const EffectiveOrganizationalMetadata = z.object({
  metadata: z.array(Tag).describe('Tags, `@org:tenant=acme`.'),
});

export const TagPrefixes = z.object({ prefixes: policy.prefixes });

/** Empty: the latest. */
export const DefaultEnforcerVersion = z.object({
  defaultVersion: z.string().describe('Semantic version; empty: the latest.'),
});

export const DefaultEnforcerVersionRequest = z.strictObject({
  defaultVersion: SemVer.describe(
    'Version that enforcers of the namespace and below should have; empty: as above it.',
  ),
});
export type DefaultEnforcerVersionRequest = z.infer<typeof DefaultEnforcerVersionRequest>;

export const PUTrafficActions = z.object({
  Incoming: Effective.describe('What happens to incoming traffic that no rule decides.'),
  Outgoing: Effective.describe('What happens to outgoing traffic that no rule decides.'),
});

/** The root is `Default`. */
export const NamespaceTypeAnswer = z.object({
  type: NamespaceType.describe('What level of the tree it stands for.'),
});

/** `namespace` is the parent. */
export const AccessibleNamespace = z.object({
  ID: ObjectId.describe('Of the namespace.'),
  name: NamespacePath.describe('Name for people.'),
  namespace: NamespacePath.describe('Path of its parent.'),
});

/** Identity → verbs; `*` stands for every identity, `any` for every verb. */
export const RoleAnswer = z.object({
  key: z.string().describe('As in `@auth:role=<key>`.'),
  name: z.string().describe('Name for people.'),
  description: z.string().describe('For people.'),
  authorizations: z.record(z.string(), z.array(z.string())).describe('Identity → verbs.'),
  private: z.boolean().describe('For agents, not for people.'),
});

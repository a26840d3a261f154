import { z } from 'zod';
import { NamespacePath, ObjectId } from '../schema/ids.ts';
import { NamespaceType } from '../schema/namespace.ts';
import { Tag } from '../schema/tag.ts';

/**
 * What counts in the namespace of `X-Namespace`, in the original's attributes. Every value is effective: its own, its
 * ancestors', or the default. As everywhere, a GET without an ID answers a list: these are lists of one.
 */
const Effective = z.enum(['Allow', 'Reject']);

const policy = {
  /** Defaults, every ancestor's and its own. */
  prefixes: z.array(z.string()),
  PUIncomingTrafficAction: Effective,
  PUOutgoingTrafficAction: Effective,
};

export const NamespacePolicyInfo = z.object(policy);

export const NamespaceInfo = z.object({
  /** Full path. */
  name: NamespacePath,
  description: z.string(),
  protected: z.boolean(),
  ...policy,
});

/** Every ancestor's and its own, which what is created in the namespace takes over. */
export const EffectiveOrganizationalMetadata = z.object({ metadata: z.array(Tag) });

export const TagPrefixes = z.object({ prefixes: policy.prefixes });

/** Empty: the latest. */
export const DefaultEnforcerVersion = z.object({ defaultVersion: z.string() });

export const PUTrafficActions = z.object({ Incoming: Effective, Outgoing: Effective });

/** The root is `Default`. */
export const NamespaceTypeAnswer = z.object({ type: NamespaceType });

/** `namespace` is the parent. */
export const AccessibleNamespace = z.object({ ID: ObjectId, name: NamespacePath, namespace: NamespacePath });

/** Identity → verbs; `*` stands for every identity, `any` for every verb. */
export const RoleAnswer = z.object({
  /** As in `@auth:role=<key>`. */
  key: z.string(),
  name: z.string(),
  description: z.string(),
  authorizations: z.record(z.string(), z.array(z.string())),
  /** For agents, not for people. */
  private: z.boolean(),
});

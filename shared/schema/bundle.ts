import { z } from 'zod';
import { NamespacePath, ObjectId } from './ids.ts';
import { DirectedTask } from './migration.ts';
import { NetworkRule } from './networkrulesetpolicy.ts';
import { Tag } from './tag.ts';

/**
 * The three payloads of a bundle. Compiled by core/compile, sealed by bundle/seal, read by every enforcer.
 * All arrays are sorted, all keys are in lexicographic order, and there is no clock in them: equal inputs
 * give equal bytes (docs/decisions, "canonical payloads").
 */

const Action = z.enum(['Allow', 'Reject']);

/** A default action and the namespace whose property said so (the root when nobody did). */
const DefaultAction = z.strictObject({ action: Action, namespace: NamespacePath });

const Clauses = z.array(z.array(Tag));

/** Where an object of the bundle comes from: it applies in its namespace, and below when it propagates. */
const placed = { ID: ObjectId, name: z.string(), namespace: NamespacePath, propagate: z.boolean() };

export const BundleNamespace = z.strictObject({
  path: NamespacePath,
  incoming: DefaultAction,
  outgoing: DefaultAction,
  /** `Enforce`: a tag that no prefix lists counts for nothing here. */
  tagPrefixEnforcement: z.enum(['Warn', 'Enforce']),
  /** Effective: defaults, every ancestor's and its own. Sorted. */
  tagPrefixes: z.array(z.string()),
});
export type BundleNamespace = z.infer<typeof BundleNamespace>;

export const BundleRuleSet = z.strictObject({
  ...placed,
  fallback: z.boolean(),
  incomingRules: z.array(NetworkRule),
  outgoingRules: z.array(NetworkRule),
  subject: Clauses,
});
export type BundleRuleSet = z.infer<typeof BundleRuleSet>;

export const BundleExternalNetwork = z.strictObject({
  ...placed,
  /** As the API took them: CIDRs, `!` CIDRs, DNS names. */
  entries: z.array(z.string()),
  /** Normalized tags: what rules select it by. */
  tags: z.array(Tag),
});
export type BundleExternalNetwork = z.infer<typeof BundleExternalNetwork>;

export const BundleProfile = z.strictObject({
  ...placed,
  excludedInterfaces: z.array(z.string()),
  excludedNetworks: z.array(z.string()),
  ignoreExpression: Clauses,
  maxStale: z.string(),
  staleAction: z.enum(['hold', 'lockdown']),
  tags: z.array(Tag),
  targetNetworks: z.array(z.string()),
  targetUDPNetworks: z.array(z.string()),
  trustedCAs: z.array(z.string()),
});
export type BundleProfile = z.infer<typeof BundleProfile>;

export const BundleProfileMapping = z.strictObject({
  ...placed,
  fallback: z.boolean(),
  object: Clauses,
  subject: Clauses,
  /** Decides between mappings of one namespace: the latest wins. RFC 3339. */
  updateTime: z.string(),
});
export type BundleProfileMapping = z.infer<typeof BundleProfileMapping>;

export const BundleNamespaceMapping = z.strictObject({
  ID: ObjectId,
  mappedNamespace: NamespacePath,
  name: z.string(),
  namespace: NamespacePath,
  subject: Clauses,
});
export type BundleNamespaceMapping = z.infer<typeof BundleNamespaceMapping>;

export const PolicyPayload = z.strictObject({
  format: z.literal(1),
  /** The enforcer's namespace, which this bundle is for. */
  namespace: NamespacePath,
  namespaceID: ObjectId,
  /** The bundle's namespace and those below that its processing units can be mapped to. Sorted by path. */
  namespaces: z.array(BundleNamespace),
  externalNetworks: z.array(BundleExternalNetwork),
  namespaceMappings: z.array(BundleNamespaceMapping),
  profileMappings: z.array(BundleProfileMapping),
  profiles: z.array(BundleProfile),
  /** Enabled ones that apply in at least one of `namespaces`. Sorted by ID. */
  rulesets: z.array(BundleRuleSet),
});
export type PolicyPayload = z.infer<typeof PolicyPayload>;

/** A processing unit as others see it. Tags are those on the wire. */
export const Peer = z.strictObject({
  ID: ObjectId,
  addresses: z.array(z.string()),
  namespace: NamespacePath,
  tags: z.array(Tag),
});
export type Peer = z.infer<typeof Peer>;

export const PeersPayload = z.strictObject({
  format: z.literal(1),
  /** Processing units of the tenant that a rule in the policy can name. Sorted by ID. */
  identities: z.array(Peer),
});
export type PeersPayload = z.infer<typeof PeersPayload>;

export const DirectivesPayload = z.strictObject({
  format: z.literal(1),
  /** One entry for each enforcer of the namespace, sorted by ID. */
  enforcers: z.array(
    z.strictObject({
      ID: ObjectId,
      /** It is asked what its host is; the answer names this. */
      collect: ObjectId.exactOptional(),
      logLevel: z.string(),
      name: z.string(),
      /** Empty: the latest. */
      targetVersion: z.string(),
      /** What its runner is to do. */
      task: DirectedTask.exactOptional(),
    }),
  ),
});
export type DirectivesPayload = z.infer<typeof DirectivesPayload>;

/** Payload file name → its schema. The names are the TUF target paths. */
export const PAYLOADS = {
  'directives.json': DirectivesPayload,
  'peers.json': PeersPayload,
  'policy.json': PolicyPayload,
} as const;
export type PayloadName = keyof typeof PAYLOADS;
export type Payloads = { [N in PayloadName]: z.infer<(typeof PAYLOADS)[N]> };
/** Payload bytes, as sealed. */
export type PayloadBytes = Record<PayloadName, Uint8Array>;

/** The `custom` data of every target: what binds a bundle to its namespace. */
export const Binding = z.strictObject({
  tenant: NamespacePath,
  namespace: NamespacePath,
  namespaceID: ObjectId,
  /** Starts at 1 and rises by one with every published change. */
  revision: z.int().min(1),
  compiledAt: z.string(),
});
export type Binding = z.infer<typeof Binding>;

/** Prefix of one namespace's TUF repository in the bucket. */
export const bundlePrefix = (namespaceID: ObjectId): string => `bundles/${namespaceID}/`;

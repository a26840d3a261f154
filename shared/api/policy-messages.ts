import { z } from 'zod';
import { NamespacePath, ObjectId, Timestamp } from '../schema/ids.ts';
import { ProcessingUnitType } from '../schema/processingunit.ts';
import { Selector, Tag } from '../schema/tag.ts';

/** What applies to whom, in the original's attributes. All of it is computed from the policy as it is now. */

const Action = z.enum(['Allow', 'Reject']);
const Direction = z.enum(['incoming', 'outgoing']);

/** One rule of a ruleset that counts for the processing unit. */
export const PolicyRule = z.object({
  /** Of the ruleset. */
  ID: ObjectId,
  name: z.string(),
  policyNamespace: NamespacePath,
  /** The ruleset lives in an ancestor. */
  propagated: z.boolean(),
  /** What the unit is to the rule. */
  relation: z.array(z.literal('subject')),
  direction: Direction,
  /** Position in the ruleset's list of this direction, from 0. */
  index: z.int(),
  ruleName: z.string(),
  action: Action,
  /** The rule's object. */
  tagClauses: z.array(z.array(Tag)),
  protocolPorts: z.array(z.string()),
  externalNetworks: z.array(
    z.object({ ID: ObjectId, name: z.string(), namespace: NamespacePath, entries: z.array(z.string()) }),
  ),
  observationEnabled: z.boolean(),
  logsDisabled: z.boolean(),
});
export type PolicyRule = z.infer<typeof PolicyRule>;

/** A default action and the namespace that set it; the root when nobody did. */
const DefaultAction = z.object({ action: Action, namespace: NamespacePath });

export const RenderedPolicy = z.object({
  /** Absent where only tags were given. */
  processingUnitID: ObjectId.exactOptional(),
  processingUnitTags: z.array(Tag),
  defaultPUIncomingTrafficAction: Action,
  defaultPUOutgoingTrafficAction: Action,
  defaultActions: z.object({ incoming: DefaultAction, outgoing: DefaultAction }),
  /** Incoming rules, then outgoing ones, each in order of precedence: what rejects comes first. */
  ruleSetPolicies: z.array(PolicyRule),
  /** Tags of the unit that select rulesets. */
  matchingTags: z.array(Tag),
  /** Tags that others see and that policy may use. */
  wireTags: z.array(Tag),
  /** Tags that count for nothing, because no tag prefix lists them. */
  ignoredTags: z.array(Tag),
});
export type RenderedPolicy = z.infer<typeof RenderedPolicy>;

/** A unit of the request's namespace or below: one that is there, or one that might be. */
const Unit = z.strictObject({
  ID: ObjectId.optional(),
  namespace: NamespacePath.optional(),
  associatedTags: z.array(Tag).default([]),
  type: ProcessingUnitType.optional(),
  name: z.string().max(256).optional(),
});

export const RenderedPolicyRequest = z
  .strictObject({ processingUnitTags: z.array(Tag).default([]), processingUnit: Unit.optional() })
  .refine(value => value.processingUnit !== undefined || value.processingUnitTags.length > 0, {
    path: ['processingUnitTags'],
    message: 'give the tags of a processing unit, or a processingUnit with an ID or with associatedTags',
  });
export type RenderedPolicyRequest = z.infer<typeof RenderedPolicyRequest>;

export const PolicyGraphRequest = z.strictObject({
  /** Tags of a processing unit that need not be there. */
  PUIdentity: z.array(Tag).min(1, 'give the tags of the processing unit'),
  /** Peers below the namespace too. */
  recursive: z.boolean().default(false),
  /** Peers that are looked at; empty: all. */
  selectors: z.union([Selector, z.tuple([])]).default([]),
});
export type PolicyGraphRequest = z.infer<typeof PolicyGraphRequest>;

const GraphNode = z.object({
  ID: z.string(),
  name: z.string(),
  namespace: NamespacePath,
  type: z.enum(['ProcessingUnit', 'ExternalNetwork']),
  tags: z.array(Tag),
});
export const GraphEdge = z.object({
  ID: z.string(),
  sourceID: z.string(),
  sourceType: GraphNode.shape.type,
  destinationID: z.string(),
  destinationType: GraphNode.shape.type,
  /** What every end that decides allows. */
  protocolPorts: z.array(z.string()),
});

/** The unit that was asked about is the node `PUIdentity`. */
export const PolicyGraph = z.object({
  PUIdentity: z.array(Tag),
  recursive: z.boolean(),
  selectors: z.array(z.array(Tag)),
  dependencyMap: z.object({
    nodes: z.record(z.string(), GraphNode),
    edges: z.record(z.string(), GraphEdge),
  }),
});
export type PolicyGraph = z.infer<typeof PolicyGraph>;

export const ClausesMatchRequest = z.strictObject({ clauses: Selector });
export type ClausesMatchRequest = z.infer<typeof ClausesMatchRequest>;

const Matched = z.object({ ID: ObjectId, name: z.string(), namespace: NamespacePath });

/** What of the namespace, and of what is below it, satisfies the clauses. */
export const ClausesMatch = z.object({
  clauses: z.array(z.array(Tag)),
  processingUnits: z.array(Matched),
  externalNetworks: z.array(Matched),
});
export type ClausesMatch = z.infer<typeof ClausesMatch>;

/** Kinds of policies, as the original's `policy` names them → the resource. */
export const POLICY_TYPES = {
  APIAuthorization: 'apiauthorizationpolicy',
  EnforcerProfile: 'enforcerprofilemappingpolicy',
  HostServiceMapping: 'hostservicemappingpolicy',
  NamespaceMapping: 'namespacemappingpolicy',
  Network: 'networkaccesspolicy',
  NetworkRuleSet: 'networkrulesetpolicy',
} as const;
export type PolicyType = keyof typeof POLICY_TYPES;
const PolicyTypeName = z.enum(Object.keys(POLICY_TYPES) as [PolicyType, ...PolicyType[]]);

/** Any policy, in what all kinds share. */
export const Policy = z.object({
  ID: ObjectId,
  type: PolicyTypeName,
  name: z.string(),
  namespace: NamespacePath,
  description: z.string(),
  disabled: z.boolean(),
  fallback: z.boolean(),
  propagate: z.boolean(),
  protected: z.boolean(),
  associatedTags: z.array(Tag),
  metadata: z.array(z.string()),
  normalizedTags: z.array(Tag),
  subject: z.array(z.array(Tag)),
  createTime: Timestamp,
  updateTime: Timestamp,
});
export type Policy = z.infer<typeof Policy>;

export const PolicyRendererRequest = z.strictObject({
  type: PolicyTypeName,
  /** Of whatever the policies may select. */
  tags: z.array(Tag).min(1, 'give the tags to look for'),
  processMode: z.enum(['Subject', 'Object']).default('Subject'),
});
export type PolicyRendererRequest = z.infer<typeof PolicyRendererRequest>;

export const PolicyRenderer = z.object({
  type: PolicyTypeName,
  tags: z.array(Tag),
  processMode: z.enum(['Subject', 'Object']),
  policies: z.array(Policy),
});
export type PolicyRenderer = z.infer<typeof PolicyRenderer>;

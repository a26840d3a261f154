import { z } from 'zod';
import { NamespacePath, ObjectId, Timestamp } from '../schema/ids.ts';
import { ProcessingUnitType } from '../schema/processingunit.ts';
import { Selector, Tag } from '../schema/tag.ts';

/** What applies to whom, in the original's attributes. All of it is computed from the policy as it is now. */

const Action = z.enum(['Allow', 'Reject']);
const Tags = z.array(Tag);
const Clauses = z.array(Tags);
const Name = z.string();

/** One rule of a ruleset that counts for the processing unit. */
export const PolicyRule = z.object({
  ID: ObjectId.describe('Of the ruleset.'),
  name: Name.describe("The ruleset's name; not unique."),
  policyNamespace: NamespacePath.describe('Where the ruleset lives.'),
  propagated: z.boolean().describe('The ruleset lives in an ancestor.'),
  relation: z.array(z.literal('subject')).describe('What the unit is to the rule.'),
  direction: z.enum(['incoming', 'outgoing']).describe('Which list of the ruleset the rule is in.'),
  index: z.int().describe("Position in the ruleset's list of this direction, from 0."),
  ruleName: Name.describe("The rule's own name; may be empty."),
  action: Action.describe('What happens to a flow that matches.'),
  tagClauses: Clauses.describe("The rule's object: outer or, inner and."),
  protocolPorts: z.array(z.string()).describe('Canonical; `any` for everything.'),
  externalNetworks: z
    .array(
      z.object({
        ID: ObjectId.describe('Of the external network.'),
        name: Name.describe('Its name.'),
        namespace: NamespacePath.describe('Where it lives.'),
        entries: z.array(z.string()).describe('CIDRs, `!` CIDRs and DNS names.'),
      }),
    )
    .describe('Those that the rule names, of the ones that apply in the namespace.'),
  observationEnabled: z.boolean().describe('Reported, never decisive.'),
  logsDisabled: z.boolean().describe('Flows that it decides are not reported.'),
});
export type PolicyRule = z.infer<typeof PolicyRule>;

const DefaultAction = z.object({
  action: Action.describe('What happens to traffic that no rule decides.'),
  namespace: NamespacePath.describe('Which namespace said so; the root when none did.'),
});

export const RenderedPolicy = z.object({
  processingUnitID: ObjectId.exactOptional().describe('Absent where only tags were given.'),
  processingUnitTags: Tags.describe('All tags of the unit.'),
  defaultPUIncomingTrafficAction: Action.describe('What happens to incoming traffic that no rule decides.'),
  defaultPUOutgoingTrafficAction: Action.describe('What happens to outgoing traffic that no rule decides.'),
  defaultActions: z
    .object({
      incoming: DefaultAction.describe('For incoming traffic.'),
      outgoing: DefaultAction.describe('For outgoing traffic.'),
    })
    .describe('The default actions, and where they were set.'),
  ruleSetPolicies: z
    .array(PolicyRule)
    .describe('Incoming rules, then outgoing ones, each in order of precedence: what rejects comes first.'),
  matchingTags: Tags.describe('Tags of the unit that select rulesets.'),
  wireTags: Tags.describe('Tags that others see and that policy may use.'),
  ignoredTags: Tags.describe('Tags that count for nothing, because no tag prefix lists them.'),
});
export type RenderedPolicy = z.infer<typeof RenderedPolicy>;

const Unit = z.strictObject({
  ID: ObjectId.optional().describe('Of a unit that is there; all else but `namespace` is then left out.'),
  namespace: NamespacePath.optional().describe("Where it lives: the request's namespace or one below."),
  associatedTags: Tags.default([]).describe('Tags of a unit that might be.'),
  type: ProcessingUnitType.optional().describe('Taken as the original sends it; counts for nothing here.'),
  name: z.string().max(256).optional().describe('Taken as the original sends it; counts for nothing here.'),
});

export const RenderedPolicyRequest = z
  .strictObject({
    processingUnitTags: Tags.default([]).describe('Tags of a processing unit that need not be there.'),
    processingUnit: Unit.optional().describe('A unit that is there, or one that might be.'),
  })
  .refine(value => value.processingUnit !== undefined || value.processingUnitTags.length > 0, {
    path: ['processingUnitTags'],
    message: 'give the tags of a processing unit, or a processingUnit with an ID or with associatedTags',
  });
export type RenderedPolicyRequest = z.infer<typeof RenderedPolicyRequest>;

const PUIdentity = Tags.min(1, 'give the tags of the processing unit').describe(
  'Tags of a processing unit that need not be there.',
);
const Recursive = z.boolean().default(false).describe('Peers below the namespace too.');

export const PolicyGraphRequest = z.strictObject({
  PUIdentity,
  recursive: Recursive,
  selectors: z
    .union([Selector, z.tuple([])])
    .default([])
    .describe('Peers that are looked at; empty: all.'),
});
export type PolicyGraphRequest = z.infer<typeof PolicyGraphRequest>;

const NodeType = z.enum(['ProcessingUnit', 'ExternalNetwork']);
const GraphNode = z.object({
  ID: z.string().describe('Of the object; `PUIdentity` for the unit that was asked about.'),
  name: Name.describe('Of the object; empty for the unit that was asked about.'),
  namespace: NamespacePath.describe('Where it lives.'),
  type: NodeType.describe('What it is.'),
  tags: Tags.describe('What rules select it by.'),
});
export const GraphEdge = z.object({
  ID: z.string().describe('`<source>-<destination>`.'),
  sourceID: z.string().describe('Node that connects.'),
  sourceType: NodeType.describe('What it is.'),
  destinationID: z.string().describe('Node that is connected to.'),
  destinationType: NodeType.describe('What it is.'),
  protocolPorts: z
    .array(z.string())
    .describe(
      'What every end that decides allows: TCP and UDP exactly, ICMP when any of it is, `any` for everything.',
    ),
});

export const PolicyGraph = z.object({
  PUIdentity,
  recursive: Recursive,
  selectors: Clauses.describe('As asked.'),
  dependencyMap: z
    .object({
      nodes: z.record(z.string(), GraphNode).describe('By ID.'),
      edges: z.record(z.string(), GraphEdge).describe('By ID; none where nothing is allowed.'),
    })
    .describe('Who could talk to whom.'),
});
export type PolicyGraph = z.infer<typeof PolicyGraph>;

export const ClausesMatchRequest = z.strictObject({ clauses: Selector.describe('What to look for.') });
export type ClausesMatchRequest = z.infer<typeof ClausesMatchRequest>;

const Matched = z.object({
  ID: ObjectId.describe('Of the object.'),
  name: Name.describe('Its name.'),
  namespace: NamespacePath.describe('Where it lives.'),
});

/** What of the namespace, and of what is below it, satisfies the clauses. */
export const ClausesMatch = z.object({
  clauses: Clauses.describe('As asked.'),
  processingUnits: z.array(Matched).describe('By the tags that count.'),
  externalNetworks: z.array(Matched).describe('By the tags that count.'),
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
const Type = z
  .enum(Object.keys(POLICY_TYPES) as [PolicyType, ...PolicyType[]])
  .describe('Kind of the policy.');

/** Any policy, in what all kinds share. */
export const Policy = z.object({
  ID: ObjectId.describe('Of the policy.'),
  type: Type,
  name: Name.describe('Its name; not unique.'),
  namespace: NamespacePath.describe('Where it lives.'),
  description: z.string().describe('For people.'),
  disabled: z.boolean().describe('Counts for nothing.'),
  fallback: z.boolean().describe('Used only when no other is.'),
  propagate: z.boolean().describe('Counts below its namespace too.'),
  protected: z.boolean().describe('Must be unprotected before it is changed.'),
  associatedTags: Tags.describe('Tags of people.'),
  metadata: z.array(z.string()).describe('Tags that were set when it was made.'),
  normalizedTags: Tags.describe('All its tags.'),
  subject: Clauses.describe('Whom it is for.'),
  createTime: Timestamp.describe('When it was made.'),
  updateTime: Timestamp.describe('When it was last changed.'),
});
export type Policy = z.infer<typeof Policy>;

const Mode = z.enum(['Subject', 'Object']);
const SoughtTags = Tags.min(1, 'give the tags to look for').describe(
  'Of something that policies may select or name.',
);

export const PolicyRendererRequest = z.strictObject({
  type: Type,
  tags: SoughtTags,
  processMode: Mode.default('Subject').describe('Which side of the policies is looked at.'),
});
export type PolicyRendererRequest = z.infer<typeof PolicyRendererRequest>;

export const PolicyRenderer = z.object({
  type: Type,
  tags: SoughtTags,
  processMode: Mode.describe('As asked.'),
  policies: z.array(Policy).describe('By name.'),
});
export type PolicyRenderer = z.infer<typeof PolicyRenderer>;

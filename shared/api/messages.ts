import { z } from 'zod';
import { Finding, LegacyExport } from '../schema/conversion.ts';
import { NamespacePath, ObjectId, Timestamp } from '../schema/ids.ts';
import { Tag } from '../schema/tag.ts';

// Those that agents exchange too have files of their own, so that these need not have all.
export { EnforcerCredentials } from './enforcer-messages.ts';
export { ErrorBody } from './error-body.ts';
export { Issue, IssueRequest, Jwks, MetaConfig } from './token-messages.ts';

/** An export as the original writes it; `data` maps resource names to objects. */
export const ImportRequest = z.strictObject({
  data: z
    .object({
      APIVersion: z.int().min(0).max(1).default(1).describe('Version of the format: 0 and 1 mean the same.'),
      label: z
        .string()
        .max(256)
        .default('')
        .describe(
          'Recognition tag: what an earlier import with the label made is updated. Empty: a random one.',
        ),
      identities: z.array(z.string()).default([]).describe('Names of resources, in any form.'),
      data: z
        .record(z.string(), z.array(z.record(z.string(), z.unknown())))
        .default({})
        .describe('Name of a resource → its objects, as `POST /export` gives them.'),
    })
    .describe('An export.'),
  mode: z
    .enum(['Import', 'ReplacePartial', 'Remove'])
    .default('Import')
    .describe(
      '`Remove`: what earlier imports with the label made goes, whatever `data` holds. The other two mean the same.',
    ),
  deleteMissing: z
    .boolean()
    .default(false)
    .describe('What earlier imports with the label made, and this one no longer holds, goes.'),
});
export type ImportRequest = z.infer<typeof ImportRequest>;

/** What to export, in the original's attributes; those that an export fills in are taken and mean nothing. */
export const ExportRequest = z.strictObject({
  identities: z
    .array(z.string().max(256))
    .min(1, 'name at least one resource, such as networkrulesetpolicy')
    .max(100)
    .describe('Names of resources, in any form.'),
  label: z
    .string()
    .max(256)
    .default('')
    .describe('Recognition tag: what an earlier import with the label made is updated. Empty: a random one.'),
  APIVersion: z.int().optional().describe('Version of the format: 0 and 1 mean the same.'),
  data: z.record(z.string(), z.unknown()).optional().describe('Means nothing here.'),
});
export type ExportRequest = z.infer<typeof ExportRequest>;

export const ExportAnswer = z.object({
  APIVersion: z.int().describe('Version of the format: 0 and 1 mean the same.'),
  label: z
    .string()
    .describe('Recognition tag: what an earlier import with the label made is updated. Empty: a random one.'),
  identities: z.array(z.string()).describe('Singular.'),
  data: z
    .record(z.string(), z.array(z.record(z.string(), z.unknown())))
    .describe('Plural name → objects without defaults and without what only the server writes.'),
});
export type ExportAnswer = z.infer<typeof ExportAnswer>;

/** Something in an import that has no effect any more. */
export const ImportFinding = z.object({
  at: z.string().describe('Where it stands in the file: `data.externalnetworks[3]`.'),
  name: z.string().describe('Name of the object.'),
  message: z.string().describe('What becomes of it, and what to do.'),
});
export type ImportFinding = z.infer<typeof ImportFinding>;

export const ImportReport = z.object({
  label: z
    .string()
    .describe('The label under which the objects are found again; made up when none was given.'),
  created: z.int().describe('Objects that were made.'),
  updated: z.int().describe('Objects that were changed.'),
  unchanged: z.int().describe('Objects that were as wanted already.'),
  removed: z.int().describe('Objects that were deleted.'),
  findings: z.array(ImportFinding).describe('What has no effect any more.'),
});
export type ImportReport = z.infer<typeof ImportReport>;

/** One entry of the activity log: a write that was done, or, with an `error`, one that was refused. */
export const Activity = z.object({
  ID: z.string().describe('Greater for later entries.'),
  namespace: z.string().describe('Where it was done.'),
  date: Timestamp.describe('When it was done.'),
  operation: z.enum(['create', 'update', 'delete']).describe('What was done.'),
  targetIdentity: z.string().describe('What kind of object.'),
  targetID: z.string().exactOptional().describe('Absent where a refused write named no object.'),
  claims: z.array(z.string()).describe('Who.'),
  source: z.string().describe('Address that the caller was seen at; empty for what the system does itself.'),
  requestID: z.string().describe('`X-Request-Id` of the answer.'),
  message: z.string().describe('One sentence.'),
  error: z
    .array(
      z.object({
        code: z.int().describe('HTTP status.'),
        title: z.string().describe('Kind of failure.'),
        description: z.string().describe('What was wrong, with which value, and what to do.'),
      }),
    )
    .describe('Why it was refused; empty when it was done.'),
  count: z
    .int()
    .describe(
      '1, or, where many writes were refused to one caller, how many it were within the minute: at least this many, and less than twice as many.',
    ),
  diff: z.string().describe('Attributes that an update changed: lines `- name: JSON` and `+ name: JSON`.'),
  data: z.unknown().optional().describe('The object afterwards, without secrets.'),
  originalData: z.unknown().optional().describe('The object before, without secrets.'),
});
export type Activity = z.infer<typeof Activity>;

export const ConversionRequest = z.strictObject({
  data: LegacyExport.describe('The legacy export.'),
  ancestors: z
    .array(LegacyExport)
    .default([])
    .describe('Exports of ancestors of the namespace: what propagates from them counts.'),
  suffix: z.string().max(32).default('').describe('Ends the names of the rulesets that are made.'),
});
export type ConversionRequest = z.infer<typeof ConversionRequest>;

/** `data` as `POST /import` takes it, and what is lost in it. */
export const ConversionReport = z.object({
  data: LegacyExport.describe('Rulesets and external networks, as `POST /import` takes them.'),
  findings: z.array(Finding).describe('What has no effect any more.'),
});

/** One end of a flow that is asked about. */
const DecisionEnd = z.union([
  z.strictObject({
    processingUnit: ObjectId.describe(
      "ID of a processing unit; `namespace` where it is not in the request's own.",
    ),
    namespace: NamespacePath.optional().describe('Where it lives.'),
    address: z
      .union([z.ipv4(), z.ipv6()])
      .optional()
      .describe('Its address in this flow; its first one when absent.'),
  }),
  z.strictObject({
    tags: z
      .array(Tag)
      .min(1)
      .describe("Tags of a processing unit that need not exist, in `namespace` or the request's own."),
    namespace: NamespacePath.optional().describe('Where it lives.'),
    address: z.union([z.ipv4(), z.ipv6()]).optional().describe('Its address in this flow.'),
  }),
  z.strictObject({
    address: z
      .union([z.ipv4(), z.ipv6()])
      .describe('Any address. One that a processing unit has means that unit.'),
    name: z.string().max(253).optional().describe('DNS name by which it was looked up.'),
    names: z
      .array(z.string().min(1).max(253))
      .max(64)
      .optional()
      .describe(
        'DNS names that lead to the address as well: an enforcer goes by all that it knows of, whichever was looked up.',
      ),
  }),
  z.strictObject({
    name: z
      .string()
      .min(1)
      .max(253)
      .describe('A DNS name, whatever it leads to: external networks may hold it by that name.'),
  }),
]);

/** "Who decides about this flow, how, and why?" At least one end is a processing unit. */
export const DecisionRequest = z.strictObject({
  source: DecisionEnd.describe('Who starts the flow.'),
  destination: DecisionEnd.describe('Who receives the flow.'),
  protocolPort: z
    .string()
    .max(64)
    .describe(
      'One protocol and port in the grammar of protocolPorts, without ranges: `tcp/443`, `icmp/8/0`, `gre`.',
    ),
});
export type DecisionRequest = z.infer<typeof DecisionRequest>;

const Rule = z.object({
  rulesetID: z.string().describe('ID of the ruleset.'),
  name: z.string().describe('Name of the ruleset.'),
  namespace: z.string().describe('Where it lives.'),
  propagated: z.boolean().describe('It lives in an ancestor of the deciding namespace.'),
  direction: z.enum(['incoming', 'outgoing']).describe('Which list of the ruleset it stands in.'),
  index: z.int().describe('From 0.'),
  ruleName: z.string().describe('Name of the rule; may be empty.'),
});
const ByRule = z.object({
  rule: Rule.describe('The rule.'),
  via: z
    .discriminatedUnion('kind', [
      z.object({
        kind: z.literal('processing unit').describe('It was named by its own tags.'),
        clause: z.array(z.string()).describe('Tags of the rule that it has, all of them.'),
      }),
      z.object({
        kind: z.literal('external network').describe('It was named as what an external network holds.'),
        ID: z.string().describe('Of the external network.'),
        name: z.string().describe('Of the external network.'),
        entry: z.string().describe('The entry that holds it: a CIDR, an address or a DNS name.'),
        clause: z.array(z.string()).describe('Tags of the rule that the external network has, all of them.'),
      }),
    ])
    .describe('What selected the other end: its tags, or the entry of an external network.'),
});
const By = z.union([
  ByRule,
  z.object({
    default: z
      .object({
        action: z.enum(['Allow', 'Reject']).describe('What happens to the flow.'),
        namespace: z.string().describe('Which states it.'),
      })
      .describe('No rule decides: the default action of the namespace.'),
  }),
]);

/** The answer: one entry for each end that is a processing unit; both must allow. */
export const DecisionAnswer = z.object({
  verdict: z.enum(['allow', 'reject']).describe('What happens to the flow.'),
  sides: z
    .array(
      z.object({
        side: z.enum(['source', 'destination']).describe('Which end decides.'),
        verdict: z.enum(['allow', 'reject']).describe('What happens to the flow.'),
        namespace: z.string().describe('Of this end.'),
        reason: z.string().describe('One sentence.'),
        by: By.describe('The rule or the default that decided.'),
        observed: z
          .object({
            verdict: z.enum(['allow', 'reject']).describe('What happens to the flow.'),
            by: ByRule.describe('The rule or the default that decided.'),
          })
          .optional()
          .describe('What observed rules would have decided, where that differs.'),
        ignoredTags: z
          .array(
            z.object({
              tag: z.string().describe('The tag, which counts for nothing.'),
              namespace: z.string().describe('Where tagPrefixEnforcement was set to Enforce.'),
              prefix: z
                .string()
                .describe('What to add to tagPrefixes of this end’s namespace, so that it counts.'),
              reason: z.string().describe('One sentence.'),
            }),
          )
          .describe('Tags of this end that no tag prefix lists.'),
        bundles: z
          .array(
            z.object({
              namespace: z.string().describe('Of the enforcers.'),
              revision: z.int().describe('From 1.'),
            }),
          )
          .describe('Bundles that carry this policy to enforcers, as last published.'),
      }),
    )
    .describe('One entry for each end that is a processing unit; both must allow.'),
});
export type DecisionAnswer = z.infer<typeof DecisionAnswer>;

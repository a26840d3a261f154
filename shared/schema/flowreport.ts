import { z } from 'zod';
import { NamespacePath, ObjectId, Timestamp } from './ids.ts';

/** What an end of a flow is. */
const EndType = z.enum(['ProcessingUnit', 'ExternalNetwork', 'Claims']);
/** Policy of what no rule decided. */
export const DEFAULT_POLICY = 'default';
/** The original's words: `Accept`, not `Allow`. */
const Verdict = z.enum(['Accept', 'Reject']);

/** Most characters of what is no path and no URL. */
const SHORT = 256;
const text = (description: string, longest = SHORT) =>
  z.string().max(longest).optional().describe(description);
const id = (description: string) => z.string().min(1).max(SHORT).describe(description);
const address = (description: string) =>
  z
    .union([z.literal(''), z.ipv4(), z.ipv6()])
    .optional()
    .describe(description);
const path = (description: string) =>
  z
    .union([z.literal(''), NamespacePath])
    .optional()
    .describe(description);

/**
 * A flow as one of its ends saw it, in the original's attributes (`domain.md` 7.1). What is unknown here is dropped, so
 * that agents that know more can report what this version takes.
 */
const attributes = {
  action: Verdict.describe('What happened to the packets.'),
  observed: z.boolean().default(false).describe('A rule that only observes decided otherwise or the same.'),
  observedAction: z
    .enum(['Accept', 'Reject', 'NotApplicable'])
    .default('NotApplicable')
    .describe('What the rule that only observes would have done.'),
  observedPolicyID: text('Policy whose rule only observes.'),
  observedPolicyNamespace: path('Where that policy lives.'),
  observedDropReason: text('Why it would have been dropped.'),
  observedEncrypted: z.boolean().optional().describe('Whether it would have been encrypted.'),
  dropReason: text('Why it was dropped, such as `policy`.'),
  encrypted: z.boolean().default(false).describe('Whether it was encrypted.'),
  sourceID: id('Processing unit or external network that began the flow.'),
  sourceType: EndType.describe('What the source is.'),
  sourceIP: address('Address of the source.'),
  sourceName: text('Name of the source.'),
  sourceController: text('Controller of the source, where it is another one.'),
  sourcePlatform: text('Platform of the source.'),
  destinationID: id('Processing unit or external network that the flow went to.'),
  destinationType: EndType.describe('What the destination is.'),
  destinationIP: address('Address of the destination.'),
  destinationPort: z.int().min(0).max(65_535).optional().describe('There is none for ICMP.'),
  destinationName: text('Name of the destination.'),
  destinationFQDN: text('Name by which the source asked for the destination.'),
  destinationController: text('Controller of the destination, where it is another one.'),
  destinationPlatform: text('Platform of the destination.'),
  protocol: z.int().min(0).max(255).optional().describe('IANA number: 6 is TCP, 17 UDP, 1 ICMP, 58 ICMPv6.'),
  policyID: id('Policy that decided, or `default`.'),
  policyNamespace: NamespacePath.describe('Where that policy lives, or the default action was set.'),
  ruleName: text('Name of the rule.'),
  serviceType: z
    .enum(['L3', 'HTTP', 'TCP', 'NotApplicable'])
    .default('NotApplicable')
    .describe('Kind of the service that was called.'),
  serviceID: text('Service that was called.'),
  serviceNamespace: path('Where that service lives.'),
  serviceURL: text('URL that was called.', 2048),
  serviceClaimHash: text('Hash of the claims that it was called with.'),
  enforcerID: text('Enforcer that reports.'),
  enforcerDNSReportID: text('Report of the look-up behind the flow.'),
  namespace: NamespacePath.describe('Namespace of the processing unit that the flow is reported for.'),
  remoteNamespace: path('Namespace of the other end, where it is a processing unit.'),
  reporter: z
    .enum(['Source', 'Destination'])
    .optional()
    .describe('Which end the record is of. Ours: where both ends are processing units, each has its own.'),
  value: z.int().min(1).describe('How many flows the record stands for.'),
};

/** As it is sent. */
export const FlowReportInput = z.object({
  ID: ObjectId.optional().describe(
    'The same ID and timestamp from the same sender, for the same namespace, is the same record; it is kept under an ID that is made of these. Absent: made of what the record says.',
  ),
  timestamp: Timestamp.optional().describe('When the flow was seen; absent: now.'),
  ...attributes,
});
export type FlowReportInput = z.infer<typeof FlowReportInput>;

/** As it is kept and read. */
export const FlowReport = z.object({
  timestamp: Timestamp.describe('When the flow was seen.'),
  ID: ObjectId.describe('Of the record.'),
  ...attributes,
});
export type FlowReport = z.infer<typeof FlowReport>;

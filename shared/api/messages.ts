import { z } from 'zod';
import { Finding, LegacyExport } from '../schema/conversion.ts';
import { NamespacePath, ObjectId } from '../schema/ids.ts';
import { Tag } from '../schema/tag.ts';

/** Body of `POST /issue`, both ways, in the original's fields. */
export const Issue = z.strictObject({
  /** `AppCredential`, or the original's name for it, `Certificate`. */
  realm: z.enum(['AppCredential', 'Certificate']),
  /** `token`: an RFC 7523 assertion signed with the credential's key; `iss` and `sub` its ID, `aud` the API's URL. */
  metadata: z.strictObject({ token: z.string().max(4096) }).optional(),
  /** Go duration; capped by the credential and the server. `0` or absent: the longest allowed. */
  validity: z
    .string()
    .regex(/^(0|(\d+(\.\d+)?(ns|us|ms|s|m|h))+)$/, 'must be a duration such as 1h')
    .default('0'),
  /** The token, in the answer. */
  token: z.string().optional(),
});
export type Issue = z.infer<typeof Issue>;

export const Jwks = z.object({ keys: z.array(z.record(z.string(), z.unknown())) });

export const MetaConfig = z.object({
  /** Public URL of this API; the audience of assertions. */
  api: z.string(),
  /** Version of this software. */
  version: z.string(),
});

/** Short-lived read access to one bundle: ports/bundle-access.ts says what each field is. */
export const EnforcerCredentials = z.object({
  url: z.string(),
  accessKeyID: z.string(),
  secretAccessKey: z.string(),
  sessionToken: z.string(),
  expiration: z.string(),
  /** What the client must find bound into the bundle. */
  tenant: z.string(),
  namespace: z.string(),
  namespaceID: z.string(),
});
export type EnforcerCredentials = z.infer<typeof EnforcerCredentials>;

/** An export as the original writes it; `data` maps resource names to objects. */
export const ImportRequest = z.strictObject({
  data: z.object({
    APIVersion: z.int().min(0).max(1).default(1),
    label: z.string().max(256).default(''),
    identities: z.array(z.string()).default([]),
    data: z.record(z.string(), z.array(z.record(z.string(), z.unknown()))),
  }),
  mode: z.enum(['Import', 'ReplacePartial']).default('Import'),
});
export type ImportRequest = z.infer<typeof ImportRequest>;

export const ImportReport = z.object({
  /** The label under which the objects are found again; made up when none was given. */
  label: z.string(),
  created: z.int(),
  updated: z.int(),
  unchanged: z.int(),
});
export type ImportReport = z.infer<typeof ImportReport>;

export const ConversionRequest = z.strictObject({
  data: LegacyExport,
  /** Exports of ancestors of the namespace: what propagates from them counts. */
  ancestors: z.array(LegacyExport).default([]),
  /** Ends the names of the rulesets that are made. */
  suffix: z.string().max(32).default(''),
});
export type ConversionRequest = z.infer<typeof ConversionRequest>;

/** `data` as `POST /import` takes it, and what is lost in it. */
export const ConversionReport = z.object({ data: LegacyExport, findings: z.array(Finding) });

/** One entry of an error body, which is an array of them. */
export const ErrorBody = z.object({
  code: z.int(),
  title: z.string(),
  description: z.string(),
  subject: z.string(),
  data: z.record(z.string(), z.unknown()).optional(),
  trace: z.string(),
});
export type ErrorBody = z.infer<typeof ErrorBody>;

/** One end of a flow that is asked about. */
const DecisionEnd = z.union([
  z.strictObject({
    /** ID of a processing unit; `namespace` where it is not in the request's own. */
    processingUnit: ObjectId,
    namespace: NamespacePath.optional(),
    /** Its address in this flow; its first one when absent. */
    address: z.union([z.ipv4(), z.ipv6()]).optional(),
  }),
  z.strictObject({
    /** Tags of a processing unit that need not exist, in `namespace` or the request's own. */
    tags: z.array(Tag).min(1),
    namespace: NamespacePath.optional(),
    address: z.union([z.ipv4(), z.ipv6()]).optional(),
  }),
  z.strictObject({ address: z.union([z.ipv4(), z.ipv6()]), name: z.string().max(253).optional() }),
]);

/** "Who decides about this flow, how, and why?" At least one end is a processing unit. */
export const DecisionRequest = z.strictObject({
  source: DecisionEnd,
  destination: DecisionEnd,
  /** One protocol and port in the grammar of protocolPorts, without ranges: `tcp/443`, `icmp/8/0`, `gre`. */
  protocolPort: z.string().max(64),
});
export type DecisionRequest = z.infer<typeof DecisionRequest>;

const Rule = z.object({
  rulesetID: z.string(),
  name: z.string(),
  namespace: z.string(),
  /** It lives in an ancestor of the deciding namespace. */
  propagated: z.boolean(),
  direction: z.enum(['incoming', 'outgoing']),
  /** From 0. */
  index: z.int(),
  ruleName: z.string(),
});
const ByRule = z.object({ rule: Rule, via: z.record(z.string(), z.unknown()) });
const By = z.union([
  ByRule,
  z.object({ default: z.object({ action: z.enum(['Allow', 'Reject']), namespace: z.string() }) }),
]);

/** The answer: one entry for each end that is a processing unit; both must allow. */
export const DecisionAnswer = z.object({
  verdict: z.enum(['allow', 'reject']),
  sides: z.array(
    z.object({
      side: z.enum(['source', 'destination']),
      verdict: z.enum(['allow', 'reject']),
      namespace: z.string(),
      /** One sentence. */
      reason: z.string(),
      by: By,
      /** What observed rules would have decided, where that differs. */
      observed: z.object({ verdict: z.enum(['allow', 'reject']), by: ByRule }).optional(),
      /** Tags of this end that no tag prefix lists, and that therefore count for nothing. */
      ignoredTags: z.array(z.string()),
      /** Bundles that carry this policy to enforcers, as last published. */
      bundles: z.array(z.object({ namespace: z.string(), revision: z.int() })),
    }),
  ),
});
export type DecisionAnswer = z.infer<typeof DecisionAnswer>;

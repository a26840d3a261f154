import { z } from 'zod';
import { AuthorizedIdentity } from '../schema/apiauthorizationpolicy.ts';
import { Finding, LegacyExport } from '../schema/conversion.ts';
import { NamespacePath, ObjectId } from '../schema/ids.ts';
import { CidrList } from '../schema/network-entry.ts';
import { Tag } from '../schema/tag.ts';

/** Go duration, `1h30m`. */
const Duration = z.string().regex(/^(0|(\d+(\.\d+)?(ns|us|ms|s|m|h))+)$/, 'must be a duration such as 1h');

/** What a token is asked to be, whatever proves who asks. Restrictions only ever shrink. */
const asked = {
  /** Capped by what proved the caller and by the server's 24 hours; `0`: as long as allowed. */
  validity: Duration.default('24h'),
  /** Requests that the token may be used for; 0: any number. */
  quota: z.int().min(0).max(1_000_000).default(0),
  /** Who the token is for; this API takes only its own. Absent: this API. */
  audience: z.string().max(512).default(''),
  /** For whoever reads the token; policies never see it. */
  opaque: z.record(z.string().max(256), z.string().max(1024)).default({}),
  /** The token is of use in this namespace and below only. */
  restrictedNamespace: z.union([z.literal(''), NamespacePath]).default(''),
  /** Roles or permissions, of which the token has no more than its caller holds. */
  restrictedPermissions: z.array(AuthorizedIdentity).max(100).default([]),
  /** The token is of use from these networks only. */
  restrictedNetworks: CidrList,
};

/** Longest token of another issuer that is looked at, in characters. */
const IdentityToken = z.string().min(1).max(16_384);
const withToken = z.strictObject({ token: IdentityToken }).prefault({} as { token: string });

/** An RFC 7523 assertion signed with the credential's key; `iss` and `sub` its ID, `aud` the API's URL. */
const assertion = z.strictObject({ token: z.string().max(4096) }).prefault({} as { token: string });

/** Body of `POST /issue`, in the original's fields: the realm says what `metadata` proves the caller with. */
export const IssueRequest = z.discriminatedUnion(
  'realm',
  [
    z.strictObject({ ...asked, realm: z.literal('AppCredential'), metadata: assertion }),
    /** The original's name for it. */
    z.strictObject({ ...asked, realm: z.literal('Certificate'), metadata: assertion }),
    z.strictObject({
      ...asked,
      realm: z.literal('OIDC'),
      metadata: z.strictObject({
        /** Where the provider lives. */
        namespace: NamespacePath,
        /** Absent: the namespace's default provider. */
        OIDCProviderName: z.string().max(256).default(''),
        token: IdentityToken,
      }),
    }),
    z.strictObject({
      ...asked,
      realm: z.literal('AWSSecurityToken'),
      metadata: z
        .strictObject({
          /** `https://sts.<region>.amazonaws.com/`, where a signed GetCallerIdentity is to be sent. */
          url: z.string().max(256).optional(),
          /** Headers of that request, signature and all. */
          headers: z.record(z.string().max(64), z.string().max(8192)).optional(),
          /** Or, as the original, temporary credentials themselves. */
          accessKeyID: z.string().max(128).optional(),
          secretAccessKey: z.string().max(256).optional(),
          token: z.string().max(8192).optional(),
        })
        .prefault({}),
    }),
    z.strictObject({ ...asked, realm: z.literal('GCPIdentityToken'), metadata: withToken }),
    z.strictObject({ ...asked, realm: z.literal('AzureIdentityToken'), metadata: withToken }),
    z.strictObject({ ...asked, realm: z.literal('PCIdentityToken'), metadata: withToken }),
    /** A token of this API, for one with as much or less. */
    z.strictObject({ ...asked, realm: z.literal('AporetoIdentityToken'), metadata: withToken }),
  ],
  {
    error: issue =>
      issue.code === 'invalid_union'
        ? 'use AppCredential, Certificate, OIDC, AWSSecurityToken, GCPIdentityToken, AzureIdentityToken, PCIdentityToken or AporetoIdentityToken'
        : undefined,
  },
);
export type IssueRequest = z.infer<typeof IssueRequest>;

/** Answer of `POST /issue`. */
export const Issue = z.strictObject({
  /** As asked. */
  realm: z.string(),
  /** How long the token lives: a Go duration in seconds. */
  validity: z.string(),
  /** Uses that the token has; absent: any number. */
  quota: z.int().optional(),
  /** Absent with `asCookie`. */
  token: z.string().optional(),
  /** What the token says; with `asCookie`, where the token itself is out of reach. */
  claims: z.record(z.string(), z.unknown()).optional(),
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
    data: z.record(z.string(), z.array(z.record(z.string(), z.unknown()))).default({}),
  }),
  /** `Remove`: what earlier imports with the label made goes, whatever `data` holds. The other two mean the same. */
  mode: z.enum(['Import', 'ReplacePartial', 'Remove']).default('Import'),
  /** What earlier imports with the label made, and this one no longer holds, goes. */
  deleteMissing: z.boolean().default(false),
});
export type ImportRequest = z.infer<typeof ImportRequest>;

/** What to export, in the original's attributes; those that an export fills in are taken and mean nothing. */
export const ExportRequest = z.strictObject({
  identities: z
    .array(z.string().max(256))
    .min(1, 'name at least one resource, such as networkrulesetpolicy')
    .max(100),
  label: z.string().max(256).default(''),
  APIVersion: z.int().optional(),
  data: z.record(z.string(), z.unknown()).optional(),
});
export type ExportRequest = z.infer<typeof ExportRequest>;

export const ExportAnswer = z.object({
  APIVersion: z.int(),
  label: z.string(),
  /** Singular. */
  identities: z.array(z.string()),
  /** Plural name → objects without defaults and without what only the server writes. */
  data: z.record(z.string(), z.array(z.record(z.string(), z.unknown()))),
});
export type ExportAnswer = z.infer<typeof ExportAnswer>;

/** Something in an import that has no effect any more. */
export const ImportFinding = z.object({
  /** Where it stands in the file: `data.externalnetworks[3]`. */
  at: z.string(),
  name: z.string(),
  /** What becomes of it, and what to do. */
  message: z.string(),
});
export type ImportFinding = z.infer<typeof ImportFinding>;

export const ImportReport = z.object({
  /** The label under which the objects are found again; made up when none was given. */
  label: z.string(),
  created: z.int(),
  updated: z.int(),
  unchanged: z.int(),
  removed: z.int(),
  findings: z.array(ImportFinding),
});
export type ImportReport = z.infer<typeof ImportReport>;

/** One entry of the activity log: a write that was done, or, with an `error`, one that was refused. */
export const Activity = z.object({
  ID: z.string(),
  namespace: z.string(),
  /** RFC 3339 UTC. */
  date: z.string(),
  operation: z.enum(['create', 'update', 'delete']),
  targetIdentity: z.string(),
  /** Absent where a refused write named no object. */
  targetID: z.string().exactOptional(),
  /** Who. */
  claims: z.array(z.string()),
  /** Address that the caller was seen at; empty for what the system does itself. */
  source: z.string(),
  requestID: z.string(),
  /** One sentence. */
  message: z.string(),
  error: z.array(z.object({ code: z.int(), title: z.string(), description: z.string() })),
  /** Attributes that an update changed: lines `- name: JSON` and `+ name: JSON`. */
  diff: z.string(),
  /** The object after and before, without secrets. */
  data: z.unknown().optional(),
  originalData: z.unknown().optional(),
});
export type Activity = z.infer<typeof Activity>;

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

import { z } from 'zod';
import { AuthorizedIdentity } from '../schema/apiauthorizationpolicy.ts';
import { Finding, LegacyExport } from '../schema/conversion.ts';
import { NamespacePath, ObjectId, Timestamp } from '../schema/ids.ts';
import { CidrList } from '../schema/network-entry.ts';
import { Tag } from '../schema/tag.ts';

/** Go duration, `1h30m`. */
const Duration = z.string().regex(/^(0|(\d+(\.\d+)?(ns|us|ms|s|m|h))+)$/, 'must be a duration such as 1h');

/** What a token is asked to be, whatever proves who asks. Restrictions only ever shrink. */
const asked = {
  validity: Duration.default('24h').describe(
    "Capped by what proved the caller and by the server's 24 hours; `0`: as long as allowed.",
  ),
  quota: z
    .int()
    .min(0)
    .max(1_000_000)
    .default(0)
    .describe('Requests that the token may be used for; 0: any number.'),
  audience: z
    .string()
    .max(512)
    .default('')
    .describe('Who the token is for; this API takes only its own. Absent: this API.'),
  opaque: z
    .record(z.string().max(256), z.string().max(1024))
    .default({})
    .describe('For whoever reads the token; policies never see it.'),
  restrictedNamespace: z
    .union([z.literal(''), NamespacePath])
    .default('')
    .describe('The token is of use in this namespace and below only.'),
  restrictedPermissions: z
    .array(AuthorizedIdentity)
    .max(100)
    .default([])
    .describe('Roles or permissions, of which the token has no more than its caller holds.'),
  restrictedNetworks: CidrList.describe('The token is of use from these networks only.'),
  claims: z.unknown().optional().describe('Kept for clients of the original, which send what they will get.'),
  data: z.literal('').optional().describe('Kept for clients of the original: only empty.'),
  token: z.literal('').optional().describe('Kept for clients of the original: only empty.'),
};

/** Longest token of another issuer that is looked at, in characters. */
const IdentityToken = z.string().min(1).max(16_384);
const realm = <R extends string>(name: R) =>
  z.literal(name).describe('What `metadata` proves the caller with.');
const withToken = z
  .strictObject({ token: IdentityToken.describe('Token of the issuer.') })
  .prefault({} as { token: string });

/** An RFC 7523 assertion signed with the credential's key; `iss` and `sub` its ID, `aud` the API's URL. */
const assertion = z
  .strictObject({
    token: z
      .string()
      .max(4096)
      .describe(
        'An RFC 7523 assertion signed with the key; `iss` and `sub` its ID, `aud` the URL of the API.',
      ),
  })
  .prefault({} as { token: string });

/** Body of `POST /issue`, in the original's fields: the realm says what `metadata` proves the caller with. */
export const IssueRequest = z.discriminatedUnion(
  'realm',
  [
    z.strictObject({ ...asked, realm: realm('AppCredential'), metadata: assertion.describe('The proof.') }),
    /** The original's name for it. */
    z.strictObject({ ...asked, realm: realm('Certificate'), metadata: assertion.describe('The proof.') }),
    z.strictObject({
      ...asked,
      realm: realm('OIDC'),
      metadata: z
        .strictObject({
          namespace: NamespacePath.describe('Where the provider lives.'),
          OIDCProviderName: z
            .string()
            .max(256)
            .default('')
            .describe("Absent: the namespace's default provider."),
          token: IdentityToken.describe('ID token of the provider.'),
        })
        .describe('The proof.'),
    }),
    z.strictObject({
      ...asked,
      realm: realm('AWSSecurityToken'),
      metadata: z
        .strictObject({
          url: z
            .string()
            .max(256)
            .optional()
            .describe(
              '`https://sts.<region>.amazonaws.com/`, where a signed GetCallerIdentity is to be sent.',
            ),
          headers: z
            .record(z.string().max(64), z.string().max(8192))
            .optional()
            .describe('Headers of that request, signature and all.'),
          accessKeyID: z
            .string()
            .max(128)
            .optional()
            .describe('Or, as the original, temporary credentials themselves.'),
          secretAccessKey: z.string().max(256).optional().describe('Of the temporary credentials.'),
          token: z.string().max(8192).optional().describe('Session token of the temporary credentials.'),
        })
        .prefault({})
        .describe('The proof: a signed request, or credentials.'),
    }),
    z.strictObject({
      ...asked,
      realm: realm('GCPIdentityToken'),
      metadata: withToken.describe('The proof.'),
    }),
    z.strictObject({
      ...asked,
      realm: realm('AzureIdentityToken'),
      metadata: withToken.describe('The proof.'),
    }),
    z.strictObject({ ...asked, realm: realm('PCIdentityToken'), metadata: withToken.describe('The proof.') }),
    /** A token of this API, for one with as much or less. */
    z.strictObject({
      ...asked,
      realm: realm('AporetoIdentityToken'),
      metadata: withToken.describe('The proof.'),
    }),
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
  realm: z.string().describe('As asked.'),
  validity: z.string().describe('How long the token lives: a Go duration in seconds.'),
  quota: z.int().optional().describe('Uses that the token has; absent: any number.'),
  token: z.string().optional().describe('Absent with `asCookie`.'),
  claims: z.record(z.string(), z.unknown()).optional().describe('What the token says, such as when it ends.'),
});
export type Issue = z.infer<typeof Issue>;

export const Jwks = z.object({
  keys: z.array(z.record(z.string(), z.unknown())).describe('JSON Web Keys (RFC 7517).'),
});

export const MetaConfig = z.object({
  api: z.string().describe('Public URL of this API; the audience of assertions.'),
  events: z.string().describe('Public URL of push events: a WebSocket.'),
  version: z.string().describe('Version of this software.'),
});

/** Short-lived read access to one bundle: ports/bundle-access.ts says what each field is. */
export const EnforcerCredentials = z.object({
  url: z.string().describe('Where the bundle lies: an https prefix, or a URL of this server.'),
  accessKeyID: z.string().describe('AWS access key of the session.'),
  secretAccessKey: z.string().describe('Of the temporary credentials.'),
  sessionToken: z.string().describe('AWS session token.'),
  expiration: z.string().describe('RFC 3339; later the credentials are refused.'),
  tenant: z.string().describe('What the client must find bound into the bundle.'),
  namespace: z.string().describe('The enforcer’s.'),
  namespaceID: z.string().describe('Its ID, which is bound into the bundle too.'),
});
export type EnforcerCredentials = z.infer<typeof EnforcerCredentials>;

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

/** One entry of an error body, which is an array of them. */
export const ErrorBody = z.object({
  code: z.int().describe('HTTP status.'),
  title: z.string().describe('Kind of failure.'),
  description: z.string().describe('What was wrong, with which value, and what to do.'),
  subject: z.string().describe('`microseg`.'),
  data: z
    .record(z.string(), z.unknown())
    .optional()
    .describe('Of a wrong attribute: its name, `attribute`, and its `value`.'),
  trace: z.string().describe('`X-Request-Id` of the answer.'),
});
export type ErrorBody = z.infer<typeof ErrorBody>;

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

import type { App } from 'aws-cdk-lib';
import { z } from 'zod';
import { Config } from '../shared/schema/config.ts';
import { fail } from '../shared/schema/failure.ts';

/** What an operator may choose when deploying: `npx cdk deploy --all -c name=staging`. */
const Settings = z.object({
  /** Prefix of the stacks' names: one account and region holds several installations under different names. */
  name: z
    .string()
    .regex(/^[a-z][a-z0-9-]{0,31}$/, 'must be 1 to 32 of a-z, 0-9 and -, beginning with a letter')
    .default('microseg'),
  /** Tenant into which AWS Control Tower's new accounts are onboarded; empty: they are ignored. */
  defaultTenant: Config.shape.DEFAULT_TENANT,
  /** Whether the installation brings a Cognito user pool for people; `false` where they have an identity provider. */
  userPool: z
    .union([z.boolean(), z.enum(['true', 'false']).transform(text => text === 'true')])
    .default(true),
  /** OpenID Connect issuer of the cloud console's users, and the audience of its tokens; empty: there is none. */
  pcIssuer: Config.shape.PC_ISSUER,
  pcAudience: Config.shape.PC_AUDIENCE,
  /** Audience of the tokens of Azure's managed identities; empty: the API's URL. */
  azureAudience: Config.shape.AZURE_AUDIENCE,
  /** Audience of the tokens of Google's service accounts; empty: the API's URL. */
  gcpAudience: Config.shape.GCP_AUDIENCE,
  /** Origins of identity providers without a public address, comma-separated. */
  privateIssuers: Config.shape.PRIVATE_ISSUERS,
  /** Days for which entries of the activity log are kept; 0: for ever. */
  activityDays: Config.shape.ACTIVITY_DAYS,
  /**
   * Which of the keys made so far signs tokens, from 1. One more has the next one sign: those around it verify too, so
   * nobody is refused. Two more at once ends every token.
   */
  tokenKey: z.coerce.number().int().min(1).default(1),
  logLevel: Config.shape.LOG_LEVEL,
  /**
   * Origins that may call the API from a browser, comma-separated. Any, unless said otherwise: foreign pages may not
   * send credentials, and the cookie that holds a token is SameSite=Strict, so that they have nothing to ride on.
   */
  corsOrigins: z
    .string()
    .default('*')
    .transform(list => list.split(',').map(origin => origin.trim())),
  /** Requests a second that the API takes before it answers 429, and how many may come at once. */
  requestsPerSecond: z.coerce.number().int().min(1).default(500),
  requestBurst: z.coerce.number().int().min(1).default(1000),
});
export type Settings = z.infer<typeof Settings>;

/** CDK's own keys hold a `:`, a `/` or an `@`, or are among these. */
const FOREIGN = new Set(['cli', 'tree', 'account', 'region']);

function refuseUnknown(app: App): void {
  const unknown = Object.keys(app.node.getAllContext()).find(
    key => !/[:/@-]/.test(key) && !FOREIGN.has(key) && !(key in Settings.shape),
  );
  if (unknown === undefined) return;
  const known = Object.keys(Settings.shape).join(', ');
  throw fail('invalid', `context \`${unknown}\` is no setting; there are ${known}`);
}

export function settingsOf(app: App): Settings {
  refuseUnknown(app);
  const given = Object.fromEntries(
    Object.keys(Settings.shape).map(key => [key, app.node.tryGetContext(key) ?? undefined]),
  );
  const parsed = Settings.safeParse(given);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const key = String(issue?.path[0]);
  throw fail(
    'invalid',
    `context \`${key}\` is \`${String(given[key])}\`: ${issue?.message}; pass it as -c ${key}=…`,
  );
}

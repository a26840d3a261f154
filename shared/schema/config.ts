import { z } from 'zod';

/**
 * What the functions are told by their environment on AWS: `functions/compose.ts` reads it, `cdk/` writes it.
 * Names of the variables are the keys here.
 */
export const Config = z.object({
  /** The one DynamoDB table. */
  TABLE_NAME: z.string().min(1),
  /** The bucket of the bundles. */
  BUNDLES_BUCKET: z.string().min(1),
  /** The bucket of the flow records, and the stream that brings them there. */
  FLOWS_BUCKET: z.string().min(1),
  FLOW_STREAM: z.string().min(1),
  /** The event bus. */
  BUS_NAME: z.string().min(1),
  /** KMS key that signs tokens. */
  TOKEN_KEY_ID: z.string().min(1),
  /** KMS keys that verify them, with commas between: that one, the one before it and the one after it. */
  TOKEN_KEY_IDS: z.string().min(1),
  /** KMS keys of the TUF roles; only the publisher may use them. */
  TARGETS_KEY_ID: z.string().min(1),
  SNAPSHOT_KEY_ID: z.string().min(1),
  TIMESTAMP_KEY_ID: z.string().min(1),
  /** Role that an enforcer's bundle credentials assume, narrowed by a session policy to one prefix. */
  BUNDLE_READER_ROLE_ARN: z.string().min(1),
  /** AWS account on whose EC2 instances runners are started by SSM: the installation's own. */
  RUNNER_ACCOUNT: z.string().regex(/^\d{12}$/),
  /** ARN of statemachines/onboard-account.asl.json. */
  ONBOARD_ACCOUNT_ARN: z.string().min(1),
  /** ARN of statemachines/delete-namespace.asl.json. */
  DELETE_NAMESPACE_ARN: z.string().min(1),
  /** ARN of statemachines/import-objects.asl.json. */
  IMPORT_OBJECTS_ARN: z.string().min(1),
  /** ARN of statemachines/move-units.asl.json. */
  MOVE_UNITS_ARN: z.string().min(1),
  /** ARN of statemachines/upgrade-enforcers.asl.json. */
  UPGRADE_ENFORCERS_ARN: z.string().min(1),
  /** Public URL of the API, without a trailing slash: issuer and audience of tokens. */
  API_URL: z.url(),
  /** Public URL of push events, `wss://…/events`; at the same place, over https, API Gateway takes messages for listeners. */
  EVENTS_URL: z.url({ protocol: /^wss?$/ }),
  /** Queue of what listeners are told. */
  PUSH_QUEUE_URL: z.url(),
  /** Tenant into which AWS Control Tower's new accounts are onboarded; empty: they are ignored. */
  DEFAULT_TENANT: z.string().default(''),
  /** OpenID Connect issuer of the cloud console's users, for realm PCIdentityToken; empty: there is none. */
  PC_ISSUER: z.union([z.literal(''), z.url({ protocol: /^https?$/ })]).default(''),
  /** Audience of its tokens; empty: the API's URL. */
  PC_AUDIENCE: z.string().default(''),
  /** Audience of the tokens of Azure's managed identities; empty: the API's URL. */
  AZURE_AUDIENCE: z.string().default(''),
  /** Audience of the tokens of Google's service accounts; empty: the API's URL. The original's clients ask for `aporeto`. */
  GCP_AUDIENCE: z.string().default(''),
  /** Origins of identity providers that have no public address, `https://login.corp.example`, with commas between. */
  PRIVATE_ISSUERS: z.string().default(''),
  /** Days for which entries of the activity log are kept; 0: for ever. */
  ACTIVITY_DAYS: z.coerce.number().int().min(0).max(36_500).default(400),
  LOG_LEVEL: z.enum(['DEBUG', 'INFO', 'WARN', 'ERROR']).default('INFO'),
});
export type Config = z.infer<typeof Config>;

export type ConfigName = keyof Config;

/** Each function gets only the variables that its work needs; a variable that is absent is refused when it is used. */
export const configOf = {
  documents: ['LOG_LEVEL'],
  api: ['TABLE_NAME', 'ACTIVITY_DAYS', 'TOKEN_KEY_IDS', 'API_URL', 'LOG_LEVEL'],
  flows: [
    'TABLE_NAME',
    'ACTIVITY_DAYS',
    'TOKEN_KEY_IDS',
    'API_URL',
    'LOG_LEVEL',
    'FLOWS_BUCKET',
    'FLOW_STREAM',
  ],
  tokens: [
    'TABLE_NAME',
    'ACTIVITY_DAYS',
    'TOKEN_KEY_ID',
    'TOKEN_KEY_IDS',
    'API_URL',
    'EVENTS_URL',
    'PC_ISSUER',
    'PC_AUDIENCE',
    'AZURE_AUDIENCE',
    'GCP_AUDIENCE',
    'PRIVATE_ISSUERS',
    'LOG_LEVEL',
  ],
  enforcers: [
    'TABLE_NAME',
    'ACTIVITY_DAYS',
    'TOKEN_KEY_IDS',
    'API_URL',
    'LOG_LEVEL',
    'BUNDLES_BUCKET',
    'BUNDLE_READER_ROLE_ARN',
  ],
  imports: ['TABLE_NAME', 'ACTIVITY_DAYS', 'TOKEN_KEY_IDS', 'API_URL', 'LOG_LEVEL', 'BUNDLES_BUCKET'],
  task: ['TABLE_NAME', 'ACTIVITY_DAYS', 'BUS_NAME', 'LOG_LEVEL'],
  callTask: ['TABLE_NAME', 'ACTIVITY_DAYS', 'BUS_NAME', 'LOG_LEVEL', 'RUNNER_ACCOUNT'],
  importTask: ['TABLE_NAME', 'ACTIVITY_DAYS', 'BUS_NAME', 'LOG_LEVEL', 'BUNDLES_BUCKET'],
  onboard: ['ONBOARD_ACCOUNT_ARN', 'DEFAULT_TENANT', 'LOG_LEVEL'],
  changes: [
    'TABLE_NAME',
    'ACTIVITY_DAYS',
    'ONBOARD_ACCOUNT_ARN',
    'DELETE_NAMESPACE_ARN',
    'IMPORT_OBJECTS_ARN',
    'MOVE_UNITS_ARN',
    'UPGRADE_ENFORCERS_ARN',
    'EVENTS_URL',
    'PUSH_QUEUE_URL',
    'LOG_LEVEL',
  ],
  /** What listeners call, and what tells them something. */
  listener: ['TABLE_NAME', 'ACTIVITY_DAYS', 'TOKEN_KEY_IDS', 'API_URL', 'EVENTS_URL', 'LOG_LEVEL'],
  push: ['TABLE_NAME', 'ACTIVITY_DAYS', 'EVENTS_URL', 'LOG_LEVEL'],
  publish: [
    'TABLE_NAME',
    'ACTIVITY_DAYS',
    'BUNDLES_BUCKET',
    'TARGETS_KEY_ID',
    'SNAPSHOT_KEY_ID',
    'TIMESTAMP_KEY_ID',
    'LOG_LEVEL',
  ],
  importSweep: ['TABLE_NAME', 'ACTIVITY_DAYS', 'IMPORT_OBJECTS_ARN', 'LOG_LEVEL'],
  deletionSweep: ['TABLE_NAME', 'ACTIVITY_DAYS', 'DELETE_NAMESPACE_ARN', 'LOG_LEVEL'],
  sweep: ['TABLE_NAME', 'ACTIVITY_DAYS', 'LOG_LEVEL'],
  bootstrap: ['TABLE_NAME', 'ACTIVITY_DAYS', 'API_URL', 'LOG_LEVEL'],
} as const satisfies Record<string, readonly ConfigName[]>;

/** Limits of the platform that both builds keep. */
export const LIMITS = {
  /** Bytes of a request body of the API. */
  requestBody: 1024 * 1024,
  /** Bytes of a body that brings a batch: an event of Lambda has 6 MB, in which each quote of the body takes two. */
  batchBody: 4 * 1024 * 1024,
  /** Bytes of a response (Lambda). */
  responseBody: 6 * 1024 * 1024,
  /** Bytes of a stored item (DynamoDB). */
  item: 400 * 1024,
  /** Steps of a transaction (DynamoDB). */
  transaction: 100,
  /** Bytes of a query page (DynamoDB). */
  page: 1024 * 1024,
  /** Seconds that a request may take (API Gateway). */
  requestSeconds: 29,
} as const;

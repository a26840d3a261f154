import type { Bucket } from '../shared/ports/bucket.ts';
import type { BundleAccess } from '../shared/ports/bundle-access.ts';
import type { Bus } from '../shared/ports/bus.ts';
import type { Clock } from '../shared/ports/clock.ts';
import type { Connections } from '../shared/ports/connections.ts';
import type { FlowStore } from '../shared/ports/flow-store.ts';
import type { KeySets } from '../shared/ports/key-sets.ts';
import type { ObjectStore } from '../shared/ports/object-store.ts';
import type { Publications } from '../shared/ports/publications.ts';
import type { RunnerPlaces } from '../shared/ports/runner-place.ts';
import type { Signer } from '../shared/ports/signer.ts';
import type { Uploads } from '../shared/ports/uploads.ts';
import type { Web } from '../shared/ports/web.ts';
import type { Workflows } from '../shared/ports/workflows.ts';
import type { TokenKeys } from './token-keys.ts';

/** Where log lines go: one JSON object a line, on AWS and in one process. */
export interface Log {
  info(message: string, fields?: Record<string, unknown>): void;
  warn(message: string, fields?: Record<string, unknown>): void;
  error(message: string, fields?: Record<string, unknown>): void;
}

/** Online keys of a bundle's TUF roles. */
export interface BundleKeys {
  targets: Signer;
  snapshot: Signer;
  timestamp: Signer;
}

/** Who else may say who a caller is, where that is one for the whole installation. */
export interface IssuerSettings {
  /** OpenID Connect issuer of the cloud console's users, for realm PCIdentityToken; empty: there is none. */
  pcIssuer: string;
  /** Audience of its tokens; empty: the API's URL. */
  pcAudience: string;
  /** Audience of the tokens of Azure's managed identities; empty: the API's URL. */
  azureAudience: string;
  /** Audience of the tokens of Google's service accounts; empty: the API's URL. */
  gcpAudience: string;
}

/** Everything outside that functions need. Each takes the part it uses, so that tests and Lambdas give no more. */
export interface Deps {
  store: ObjectStore;
  publications: Publications;
  flows: FlowStore;
  bucket: Bucket;
  uploads: Uploads;
  bus: Bus;
  workflows: Workflows;
  clock: Clock;
  log: Log;
  /** Where runners of upgrades are started whose agents are dead. */
  runnerPlaces: RunnerPlaces;
  tokenKeys: TokenKeys;
  bundleKeys: BundleKeys;
  bundleAccess: BundleAccess;
  /** Requests to servers that others name. */
  web: Web;
  /** Public keys of other issuers of tokens. */
  keySets: KeySets;
  issuers: IssuerSettings;
  /** Public URL of the API, without a trailing slash: issuer and audience of tokens. */
  apiURL: string;
  /** Public URL of push events, `wss://…/events`. */
  eventsURL: string;
  /** Who listens to push events. */
  connections: Connections;
  /** Tenant into which AWS Control Tower's accounts are onboarded; empty: they are ignored. */
  defaultTenant: string;
}

import { randomBytes } from 'node:crypto';
import { Logger } from '@aws-lambda-powertools/logger';
import { openBucket } from '../shared/adapters/aws/bucket.ts';
import { openBundleAccess } from '../shared/adapters/aws/bundle-access.ts';
import { openBus } from '../shared/adapters/aws/bus.ts';
import { openConnections } from '../shared/adapters/aws/connections.ts';
import { documentClient } from '../shared/adapters/aws/document.ts';
import { openFlowStore } from '../shared/adapters/aws/flow-store.ts';
import { openObjectStore } from '../shared/adapters/aws/object-store.ts';
import { openPublications } from '../shared/adapters/aws/publications.ts';
import { openPushQueue, type PushQueue } from '../shared/adapters/aws/push-queue.ts';
import { openRunnerPlaces } from '../shared/adapters/aws/runner-place.ts';
import { openSigner } from '../shared/adapters/aws/signer.ts';
import { openUploads } from '../shared/adapters/aws/uploads.ts';
import { openWorkflows } from '../shared/adapters/aws/workflows.ts';
import { openKeySets } from '../shared/adapters/http/key-sets.ts';
import { openWeb } from '../shared/adapters/http/web.ts';
import type { Clock } from '../shared/ports/clock.ts';
import { Config, type ConfigName } from '../shared/schema/config.ts';
import { fail } from '../shared/schema/failure.ts';
import type { Deps, Log } from './deps.ts';

export { changesFromStream as changesOf } from '../shared/adapters/aws/change-feed.ts';
export { marksFromStream as marksOf } from '../shared/adapters/aws/marks.ts';
export { pushesFromQueue as pushesOf } from '../shared/adapters/aws/push-queue.ts';

/** A function has only the variables that its work needs: the others fail when they are asked for, and by name. */
const Environment = Config.partial();

type Setting = <N extends ConfigName>(name: N) => Config[N];

function settings(environment: Record<string, string | undefined>): Setting {
  const parsed = Environment.parse(environment);
  return name => {
    const value = parsed[name] ?? Config.shape[name].safeParse(undefined).data;
    if (value === undefined)
      throw fail('unavailable', `environment variable ${name} is missing; see shared/schema/config.ts`);
    return value as Config[typeof name];
  };
}

const clock: Clock = { now: () => new Date(), randomBytes: size => randomBytes(size) };

function logOf(level: Config['LOG_LEVEL']): Log {
  const logger = new Logger({ serviceName: 'microseg', logLevel: level });
  return {
    info: (message, fields = {}) => logger.info(message, fields),
    warn: (message, fields = {}) => logger.warn(message, fields),
    error: (message, fields = {}) => logger.error(message, fields),
  };
}

/** An object whose parts are made when they are first asked for, once. */
function lazily<T extends object>(makers: { [K in keyof T]: () => T[K] }): T {
  const made = Object.create(null) as T;
  for (const name of Object.keys(makers) as (keyof T)[]) {
    Object.defineProperty(made, name, {
      configurable: true,
      enumerable: true,
      get: () => {
        const value = makers[name]();
        Object.defineProperty(made, name, { value, enumerable: true });
        return value;
      },
    });
  }
  return made;
}

/** What only AWS needs: in one process the feed tells listeners itself. */
export interface AwsDeps extends Deps {
  pushQueue: PushQueue;
}

/** The AWS installation that the environment names. Nothing is opened before it is used. */
export function composeFrom(environment: Record<string, string | undefined>): AwsDeps {
  const setting = settings(environment);
  const endpoint = environment.AWS_ENDPOINT_URL;
  const connection = endpoint === undefined || endpoint === '' ? {} : { endpoint };
  const shared = lazily({
    client: () => documentClient(connection),
    web: () =>
      openWeb({
        privateOrigins: setting('PRIVATE_ISSUERS')
          .split(',')
          .map(origin => origin.trim())
          .filter(origin => origin !== ''),
      }),
  });
  const table = () => ({ ...connection, tableName: setting('TABLE_NAME'), client: shared.client });
  const signer = (name: Extract<ConfigName, `${string}_KEY_ID`>) =>
    openSigner({ ...connection, keyId: setting(name) });
  return lazily<AwsDeps>({
    clock: () => clock,
    log: () => logOf(setting('LOG_LEVEL')),
    store: () => openObjectStore({ ...table(), activityDays: setting('ACTIVITY_DAYS') }, clock),
    publications: () => openPublications(table()),
    bucket: () => openBucket({ ...connection, bucket: setting('BUNDLES_BUCKET') }),
    uploads: () => openUploads({ ...connection, bucket: setting('BUNDLES_BUCKET') }, clock),
    flows: () =>
      openFlowStore({ ...connection, stream: setting('FLOW_STREAM'), bucket: setting('FLOWS_BUCKET') }),
    bus: () => openBus({ ...connection, busName: setting('BUS_NAME') }),
    workflows: () =>
      openWorkflows({
        ...connection,
        machines: lazily({
          'delete-namespace': () => setting('DELETE_NAMESPACE_ARN'),
          'import-objects': () => setting('IMPORT_OBJECTS_ARN'),
          'move-units': () => setting('MOVE_UNITS_ARN'),
          'onboard-account': () => setting('ONBOARD_ACCOUNT_ARN'),
          'upgrade-enforcers': () => setting('UPGRADE_ENFORCERS_ARN'),
        }),
      }),
    runnerPlaces: () => openRunnerPlaces({ ...connection, account: setting('RUNNER_ACCOUNT') }),
    tokenKeys: () =>
      lazily({
        signs: () => signer('TOKEN_KEY_ID'),
        verifies: () =>
          setting('TOKEN_KEY_IDS')
            .split(',')
            .map(keyId => openSigner({ ...connection, keyId })),
      }),
    bundleKeys: () =>
      lazily({
        targets: () => signer('TARGETS_KEY_ID'),
        snapshot: () => signer('SNAPSHOT_KEY_ID'),
        timestamp: () => signer('TIMESTAMP_KEY_ID'),
      }),
    bundleAccess: () =>
      openBundleAccess({
        ...connection,
        bucket: setting('BUNDLES_BUCKET'),
        roleArn: setting('BUNDLE_READER_ROLE_ARN'),
      }),
    web: () => shared.web,
    keySets: () => openKeySets(shared.web, clock),
    issuers: () => ({
      pcIssuer: setting('PC_ISSUER'),
      pcAudience: setting('PC_AUDIENCE'),
      azureAudience: setting('AZURE_AUDIENCE'),
      gcpAudience: setting('GCP_AUDIENCE'),
    }),
    apiURL: () => setting('API_URL'),
    eventsURL: () => setting('EVENTS_URL'),
    connections: () =>
      openConnections(
        // Not where everything else is: API Gateway has an endpoint for each API.
        { ...table(), gateway: { endpoint: setting('EVENTS_URL').replace(/^ws/, 'http') } },
        clock,
      ),
    pushQueue: () => openPushQueue({ ...connection, url: setting('PUSH_QUEUE_URL') }),
    defaultTenant: () => setting('DEFAULT_TENANT'),
  });
}

let composed: AwsDeps | undefined;

/** What the functions of this process stand on. The only reader of the environment. */
export function compose(): AwsDeps {
  composed ??= composeFrom(process.env);
  return composed;
}

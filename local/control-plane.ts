import type { AddressInfo } from 'node:net';
import { join, resolve } from 'node:path';
import { handlersOf } from '../functions/api/index.ts';
import type { Deps, IssuerSettings, Log } from '../functions/deps.ts';
import { cloudAccountCreated } from '../functions/events/cloud-account-created.ts';
import { cloudAccountOnboarded } from '../functions/events/cloud-account-onboarded.ts';
import { enforcerReported } from '../functions/events/enforcer-reported.ts';
import { removeExpired } from '../functions/events/expired-authorizations.ts';
import { importStarted } from '../functions/events/import-started.ts';
import { markLost } from '../functions/events/lost-enforcers.ts';
import { mappingChanged } from '../functions/events/mapping-changed.ts';
import { namespaceDeleted } from '../functions/events/namespace-deleted.ts';
import { removeOldImports } from '../functions/events/old-imports.ts';
import { policyChanged } from '../functions/events/policy-changed.ts';
import { publishMarked } from '../functions/events/publish.ts';
import { push, review } from '../functions/events/push.ts';
import { releaseChanged } from '../functions/events/release-changed.ts';
import { resign } from '../functions/events/resign.ts';
import { takeUpDeletions } from '../functions/events/stuck-deletions.ts';
import { endStuckImports } from '../functions/events/stuck-imports.ts';
import { upgradeCreated } from '../functions/events/upgrade-created.ts';
import { httpFunction } from '../functions/http.ts';
import { everyPublication } from '../functions/publish.ts';
import { tasks } from '../functions/tasks/index.ts';
import { openKeySets } from '../shared/adapters/http/key-sets.ts';
import { openWeb } from '../shared/adapters/http/web.ts';
import { openBucket } from '../shared/adapters/local/bucket.ts';
import { openBundleAccess } from '../shared/adapters/local/bundle-access.ts';
import { type LocalBus, openBus } from '../shared/adapters/local/bus.ts';
import { openChangeFeed } from '../shared/adapters/local/change-feed.ts';
import { systemClock } from '../shared/adapters/local/clock.ts';
import { openConnections } from '../shared/adapters/local/connections.ts';
import { type Database, openDatabase } from '../shared/adapters/local/database.ts';
import { openFlowStore } from '../shared/adapters/local/flow-store.ts';
import { openObjectStore } from '../shared/adapters/local/object-store.ts';
import { openPublications } from '../shared/adapters/local/publications.ts';
import { noRunnerPlaces } from '../shared/adapters/local/runner-places.ts';
import { openUploads } from '../shared/adapters/local/uploads.ts';
import { pushed } from '../shared/core/push.ts';
import type { Clock } from '../shared/ports/clock.ts';
import type { ObjectStore } from '../shared/ports/object-store.ts';
import type { RunnerPlaces } from '../shared/ports/runner-place.ts';
import { Config } from '../shared/schema/config.ts';
import { consumed, type EventName } from '../shared/schema/event.ts';
import { ROOT, tenantOf } from '../shared/schema/ids.ts';
import { ensureAdministrator } from './administrator.ts';
import { bundleSide } from './bundles.ts';
import { ChangePump } from './changes.ts';
import { documentSide } from './documents.ts';
import { serveEvents } from './events.ts';
import { ensureRoots, openKeys } from './keys.ts';
import { makeYoung, sparingly } from './memory.ts';
import { putReleases } from './releases.ts';
import { createFront } from './server.ts';
import { rotateTokenKeys } from './token-keys.ts';
import { removeLeftUploads, uploadSide } from './uploads.ts';
import { openWorkflows, readStateMachines } from './workflows.ts';

export interface Settings {
  /** Data directory; made when it is not there. */
  data: string;
  host: string;
  /** 0: any free one. */
  port: number;
  log: Log;
  clock?: Clock;
  /** Public URL, where it is not `http://<host>:<port>`. */
  url?: string;
  /** Tenant for AWS Control Tower's accounts. */
  defaultTenant?: string;
  /** Origins of identity providers that have no public address. */
  privateIssuers?: readonly string[];
  issuers?: Partial<IssuerSettings>;
  /** Milliseconds between two looks at whether listeners may still listen. */
  review?: number;
  /** Days for which entries of the activity log are kept; 0: for ever. */
  activityDays?: number;
  /** Folder with files of agents' releases. */
  releases?: string;
  /** Where runners are started whose agents are dead; nowhere unless said. */
  runnerPlaces?: RunnerPlaces;
  /** Has the next key sign tokens from now on. */
  rotateTokenKeys?: boolean;
}

export interface ControlPlane {
  url: string;
  deps: Deps;
  bus: LocalBus;
  /** Path of the first administrator's credential. */
  administrator: string;
  /** Path of the newest root, which enforcers are installed with. */
  root: string;
  /** Resolves when no committed change waits to be handled or published. */
  settled(): Promise<void>;
  /** Answers what is under way, then ends. Everything else goes on at the next start. */
  stop(): Promise<void>;
}

/** Tasks that make and drop many objects. */
const ALLOCATES: ReadonlySet<string> = new Set(['PlanImport', 'ValidateImport', 'ApplyImport']);

const MINUTE = 60_000;
/** Milliseconds between two looks at whether listeners may still listen. */
const REVIEW = 30_000;
const HOUR = 60 * MINUTE;

/** The same store, which wakes the pump whenever something was committed, by whichever way. */
const waking = (store: ObjectStore, wake: () => void): ObjectStore => ({
  ...store,
  commit: async writes => {
    await store.commit(writes);
    wake();
  },
});

/** All of the control plane in one process, over SQLite and files: the same functions and state machines as on AWS. */
export async function startControlPlane(settings: Settings): Promise<ControlPlane> {
  makeYoung();
  const data = resolve(settings.data);
  const database = openDatabase(data);
  try {
    return await start(settings, data, database);
  } catch (error) {
    database.close();
    throw error;
  }
}

/**
 * Nothing was ever written, so that nothing was ever signed: a first start, or one after a first that was killed. Entries of
 * the activity log expire; the credentials and tenants of a directory in use do not.
 */
async function isUntouched(store: ObjectStore): Promise<boolean> {
  const found = await Promise.all([
    store.activities(ROOT, { limit: 1 }),
    store.list('appcredential', ROOT, { limit: 1 }),
    store.list('namespace', ROOT, { limit: 1 }),
  ]);
  return found.every(({ items }) => items.length === 0);
}

async function start(settings: Settings, data: string, database: Database): Promise<ControlPlane> {
  const { log, clock = systemClock, host, port } = settings;
  const bucket = await openBucket(join(data, 'bucket'));
  if (settings.releases !== undefined) await putReleases(settings.releases, bucket);
  const { activityDays = Config.shape.ACTIVITY_DAYS.parse(undefined) } = settings;
  const objects = openObjectStore(database, clock, { activityDays });
  const first = await isUntouched(objects);
  if (settings.rotateTokenKeys && !first) await rotateTokenKeys(join(data, 'keys'));
  const keys = await openKeys(data, first);
  await ensureRoots(data, bucket, keys, clock.now());

  const flows = openFlowStore(data, clock);
  const connections = openConnections();
  const feed = openChangeFeed(database);
  const bus = openBus(database, clock);
  const pump: ChangePump = new ChangePump({
    feed,
    log,
    consumers: [
      changes => policyChanged(changes, deps),
      changes => cloudAccountCreated(changes, deps),
      changes => namespaceDeleted(changes, deps),
      changes => mappingChanged(changes, deps),
      changes => releaseChanged(changes, deps),
      changes =>
        push(
          changes.flatMap(change => pushed(change) ?? []),
          deps,
        ),
      changes => upgradeCreated(changes, deps),
      changes => importStarted(changes, deps),
      changes => enforcerReported(changes, deps),
    ],
    publish: marks => publishMarked(marks, deps),
  });
  const publications = pump.watch(openPublications(database));
  const { runnerPlaces = noRunnerPlaces } = settings;
  const store = waking(objects, () => pump.wake());
  const taskDeps = { store, publications, bucket, clock, bus, log, runnerPlaces };
  const workflows = openWorkflows({
    database,
    clock,
    log,
    definitions: readStateMachines(),
    tasks: Object.fromEntries(
      Object.entries(tasks).map(([name, task]) => [
        name,
        (payload: unknown) =>
          ALLOCATES.has(name) ? sparingly(() => task(payload, taskDeps)) : task(payload, taskDeps),
      ]),
    ),
  });
  const bundleAccess = openBundleAccess({ signer: keys.bundleAccess, clock, url: () => deps.apiURL });
  const uploads = openUploads({ signer: keys.bundleAccess, clock, url: () => deps.apiURL });
  const web = openWeb({ privateOrigins: settings.privateIssuers ?? [] });
  const deps: Deps = {
    ...taskDeps,
    flows,
    uploads,
    workflows,
    tokenKeys: keys.token,
    bundleKeys: keys,
    bundleAccess,
    web,
    keySets: openKeySets(web, clock),
    issuers: { pcIssuer: '', pcAudience: '', azureAudience: '', gcpAudience: '', ...settings.issuers },
    apiURL: settings.url ?? '',
    eventsURL: '',
    connections,
    defaultTenant: settings.defaultTenant ?? '',
  };

  const lambdas = Object.fromEntries(
    Object.entries(handlersOf).map(([group, handlers]) => [group, httpFunction(handlers, () => deps)]),
  );
  const sides = [bundleSide(bucket, bundleAccess.allows), uploadSide(bucket, uploads), documentSide];
  const front = createFront(lambdas, sides, { clock, log });
  serveEvents(front, connections, () => deps);
  await new Promise<void>((listening, failed) => {
    front.once('error', failed).listen(port, host, listening);
  });
  // With port 0 the URL is known only now; no request is answered before this line.
  deps.apiURL ||= `http://${host.includes(':') ? `[${host}]` : host}:${(front.address() as AddressInfo).port}`;
  deps.eventsURL = `${deps.apiURL.replace(/^http/, 'ws')}/events`;

  for (const [name, pattern] of Object.entries(consumed) as [
    EventName,
    (typeof consumed)[keyof typeof consumed],
  ][]) {
    bus.subscribe(name, pattern, event => cloudAccountOnboarded(event, deps));
  }
  const administrator = await ensureAdministrator(data, deps);
  for (const entry of await everyPublication(deps)) {
    const tenant = tenantOf(entry.namespace);
    if (entry.marked > entry.published) pump.remember({ tenant, namespaceID: entry.namespaceID });
  }
  bus.start();
  pump.wake();
  // At once too: after a day without this process every signature has expired.
  const signAnew = (): void => {
    resign(deps).catch(error =>
      log.error('signing anew failed; it is tried again in an hour', { error: String(error) }),
    );
  };
  signAnew();
  const removeOld = (): void => {
    removeExpired(deps).catch(error =>
      log.error('removing expired authorizations failed; it is tried again in an hour', {
        error: String(error),
      }),
    );
  };
  const forgetImports = (): void => {
    Promise.all([
      endStuckImports(deps),
      removeOldImports(deps),
      removeLeftUploads(bucket, clock.now()),
    ]).catch(error =>
      log.error('removing old imports failed; it is tried again in an hour', { error: String(error) }),
    );
  };
  // At once too: a release that mends what a removal failed on begins with a start.
  const takeUp = (): void => {
    takeUpDeletions(deps).catch(error =>
      log.error('taking up removals of namespaces failed; it is tried again in an hour', {
        error: String(error),
      }),
    );
  };
  takeUp();
  const hourly = setInterval(() => {
    takeUp();
    signAnew();
    removeOld();
    forgetImports();
  }, HOUR);
  const reviewing = setInterval(() => {
    review(deps).catch(error =>
      log.error('looking after listeners failed; it is tried again', { error: String(error) }),
    );
  }, settings.review ?? REVIEW);
  const minutely = setInterval(() => {
    markLost(deps).catch(error =>
      log.error('looking for unreachable enforcers failed; it is tried again in a minute', {
        error: String(error),
      }),
    );
  }, MINUTE);

  return {
    url: deps.apiURL,
    deps,
    bus,
    administrator,
    root: join(data, 'root.json'),
    settled: () => pump.settled(),
    stop: async () => {
      clearInterval(hourly);
      clearInterval(minutely);
      clearInterval(reviewing);
      connections.stop();
      const closed = new Promise(done => front.close(done));
      front.closeIdleConnections();
      await bus.stop();
      await workflows.stop();
      await pump.stop();
      front.closeAllConnections();
      await closed;
      await flows.close();
      await deps.store.close();
      database.close();
    },
  };
}

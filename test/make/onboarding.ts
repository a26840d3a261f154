import { cloudAccountCreated } from '../../functions/events/cloud-account-created.ts';
import { cloudAccountOnboarded } from '../../functions/events/cloud-account-onboarded.ts';
import { tasks } from '../../functions/tasks/index.ts';
import { type LocalWorkflows, openWorkflows, type WorkflowsOptions } from '../../local/workflows.ts';
import type { Database } from '../../shared/adapters/local/database.ts';
import { openObjectStore } from '../../shared/adapters/local/object-store.ts';
import { openPublications } from '../../shared/adapters/local/publications.ts';
import { noRunnerPlaces } from '../../shared/adapters/local/runner-places.ts';
import type { ObjectStore, Stored } from '../../shared/ports/object-store.ts';
import type { BusEvent } from '../../shared/schema/event.ts';
import { childPath, NamespacePath, ROOT } from '../../shared/schema/ids.ts';
import type { Identity } from '../../shared/schema/resources.ts';
import { noBucket } from './no-bucket.ts';
import { make } from './objects.ts';
import { only, quiet } from './state-machine.ts';
import { type Timeline, timeline } from './timeline.ts';

export interface Onboarding {
  store: ObjectStore;
  workflows: LocalWorkflows;
  time: Timeline;
  /** What went to the bus, each ID once. */
  published: Map<string, BusEvent>;
  /** Hands over an event as the bus does. */
  deliver(event: unknown): Promise<void>;
  /** Creates a cloud account as the API does and hands over the change; nothing when there is one. */
  post(namespace: NamespacePath, input: Record<string, unknown>): Promise<void>;
  /** Moves time on until every execution has ended. */
  finish(): Promise<void>;
}

export interface OnboardingOptions {
  database: Database;
  time?: Timeline;
  /** The store of the database, where it is open already: opening reads all of it. */
  plain?: ObjectStore;
  /** Stands between the tasks and the store: faults. */
  store?: (store: ObjectStore) => ObjectStore;
  onTransition?: WorkflowsOptions['onTransition'];
  duplicateDelivery?: WorkflowsOptions['duplicateDelivery'];
  /** Tenant for Control Tower's accounts. */
  defaultTenant?: string;
}

let times = 0;
/** Several of these share a database, where equal chance would make equal IDs. */
export const freshTime = (): Timeline => timeline(undefined, `onboarding ${++times}`);

/** Events, the real state machine and the real tasks over the real store. */
export function onboarding(options: OnboardingOptions): Onboarding {
  const { database, time = freshTime(), defaultTenant = '' } = options;
  const store = options.plain ?? openObjectStore(database, time);
  const published = new Map<string, BusEvent>();
  const bus = {
    publish: async (event: BusEvent) => {
      published.set(event.id, event);
    },
  };
  const publications = openPublications(database);
  const deps = {
    store: options.store?.(store) ?? store,
    publications,
    bucket: noBucket,
    clock: time,
    bus,
    log: quiet,
    runnerPlaces: noRunnerPlaces,
  };
  const workflows = openWorkflows({
    database,
    definitions: only('onboard-account'),
    tasks: Object.fromEntries(
      Object.entries(tasks).map(([name, task]) => [name, (payload: unknown) => task(payload, deps)]),
    ),
    clock: time,
    timers: time.timers,
    log: quiet,
    ...(options.onTransition ? { onTransition: options.onTransition } : {}),
    ...(options.duplicateDelivery ? { duplicateDelivery: options.duplicateDelivery } : {}),
  });
  const eventDeps = { workflows, log: quiet, defaultTenant };
  return {
    store,
    workflows,
    time,
    published,
    deliver: event => cloudAccountOnboarded(event, eventDeps),
    post: async (namespace, input) => {
      const after = make('cloudaccount', namespace, input);
      const there = await store.getByName('cloudaccount', namespace, after.accountID);
      if (there) return;
      await store.commit([{ kind: 'create', resource: 'cloudaccount', object: after }]);
      await cloudAccountCreated([{ resource: 'cloudaccount', operation: 'create', after }], eventDeps);
    },
    finish: async () => {
      do await workflows.idle();
      while (time.next());
      await workflows.idle();
    },
  };
}

/** The only execution's name, from the history of what was published. */
export const executionOf = (published: ReadonlyMap<string, BusEvent>): string =>
  [...published.keys()][0]?.replace(/-(Ready|Failed)$/, '') ?? '';

/** Everything in a tenant, without what differs from run to run: IDs and times. */
export async function tree(store: ObjectStore, tenant: string): Promise<Record<string, unknown[]>> {
  const path = childPath(ROOT, tenant);
  const identities = [
    'cloudaccount',
    'enforcerprofile',
    'enforcerprofilemappingpolicy',
    'apiauthorizationpolicy',
  ] as const satisfies Identity[];
  const home = await store.getByName('namespace', ROOT, path);
  const below = await store.listTree('namespace', path, { limit: 100 });
  const entries = identities.map(async identity => {
    const { items } = await store.listTree(identity, path, { limit: 100 });
    // By name: the IDs of what one task makes are in no order.
    return [identity, items.sort((a, b) => (a.name < b.name ? -1 : 1)).map(bare)] as const;
  });
  return {
    namespace: [...(home ? [bare(home)] : []), ...below.items.map(bare)],
    ...Object.fromEntries(await Promise.all(entries)),
  };
}

const bare = ({ ID: _, createTime: __, updateTime: ___, normalizedTags, ...rest }: Stored) => ({
  ...rest,
  normalizedTags: normalizedTags.filter(tag => !tag.startsWith('$id=')),
});

/** A `CloudAccountOnboarded` event. */
export const accountEvent = (id: string, detail: Record<string, unknown>) => ({
  id,
  time: '2026-03-01T12:00:00Z',
  source: 'microseg',
  'detail-type': 'CloudAccountOnboarded',
  detail: { provider: 'aws', ...detail },
});

/** The lifecycle event of AWS Control Tower as its user guide prints it. */
export const controlTowerEvent = (
  id: string,
  account: { accountName: string; accountId: string },
  state: 'SUCCEEDED' | 'FAILED' = 'SUCCEEDED',
) => ({
  version: '0',
  id,
  'detail-type': 'AWS Service Event via CloudTrail',
  source: 'aws.controltower',
  account: '123456789012',
  time: '2018-08-30T21:42:18Z',
  region: 'us-east-1',
  resources: [],
  detail: {
    eventVersion: '1.05',
    userIdentity: { accountId: '121212121212', invokedBy: 'AWS Internal' },
    eventTime: '2018-08-30T21:42:18Z',
    eventSource: 'controltower.amazonaws.com',
    eventName: 'CreateManagedAccount',
    awsRegion: 'us-east-1',
    sourceIPAddress: 'AWS Internal',
    userAgent: 'AWS Internal',
    eventID: '0000000-0000-0000-1111-123456789012',
    readOnly: false,
    eventType: 'AwsServiceEvent',
    serviceEventDetails: {
      createManagedAccountStatus: {
        organizationalUnit: { organizationalUnitName: 'Custom', organizationalUnitId: 'ou-XXXX-l3zc8b3h' },
        account,
        state,
        message: 'AWS Control Tower successfully created a managed account.',
        requestedTimestamp: '2019-11-15T11:45:18+0000',
        completedTimestamp: '2019-11-16T12:09:32+0000',
      },
    },
  },
});

export const tenantPath = (tenant: string): NamespacePath => NamespacePath.parse(`/${tenant}`);

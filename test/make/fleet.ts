import type { Call } from '../../functions/call.ts';
import type { Deps } from '../../functions/deps.ts';
import { reportDirective } from '../../functions/directives.ts';
import { enforcerReported } from '../../functions/events/enforcer-reported.ts';
import { upgradeCreated } from '../../functions/events/upgrade-created.ts';
import { tasks } from '../../functions/tasks/index.ts';
import { rewritten } from '../../functions/upgrade.ts';
import { openWorkflows, type WorkflowsOptions } from '../../local/workflows.ts';
import { openChangeFeed } from '../../shared/adapters/local/change-feed.ts';
import type { Database } from '../../shared/adapters/local/database.ts';
import { openPublications } from '../../shared/adapters/local/publications.ts';
import { DirectiveReport } from '../../shared/api/upgrade-routes.ts';
import { newObject, newObjectId } from '../../shared/core/object.ts';
import { poked } from '../../shared/core/poke.ts';
import { callOf } from '../../shared/core/runner-script.ts';
import { wavesOf } from '../../shared/core/upgrade.ts';
import type { Change } from '../../shared/ports/change-feed.ts';
import type { ObjectStore } from '../../shared/ports/object-store.ts';
import type { RunnerPlaces } from '../../shared/ports/runner-place.ts';
import type { Enforcer } from '../../shared/schema/enforcer.ts';
import { type EnforcerUpgrade, enforcerupgrade, UpgradeSpec } from '../../shared/schema/enforcerupgrade.ts';
import type { BusEvent } from '../../shared/schema/event.ts';
import { Failure, fail } from '../../shared/schema/failure.ts';
import { HostFacts } from '../../shared/schema/host-facts.ts';
import { type NamespacePath, parentPath, tenantOf } from '../../shared/schema/ids.ts';
import type { Ec2Instance } from '../../shared/schema/instance.ts';
import type { DirectedTask } from '../../shared/schema/migration.ts';
import { create, make } from './objects.ts';
import { only, quiet } from './state-machine.ts';
import type { Timeline } from './timeline.ts';

/** How a simulated host behaves. */
export type Behaviour =
  | 'good'
  /** Never reports anything. */
  | 'silent'
  /** The new version does not start; the former one does. */
  | 'broken release'
  /** Comes back with the former version, whatever was ordered. */
  | 'wrong version'
  /** The uninstall leaves files behind. */
  | 'leftovers'
  /** Runs the new version, with which a probe fails. */
  | 'breaks policy'
  /** Is gone after the uninstall. */
  | 'dead'
  /** Reports everything twice, and in the wrong order. */
  | 'chatty'
  /** Says that it is done before it says that it begins, and pokes before either. */
  | 'reordered'
  /** Registers and pokes twice. */
  | 'twice'
  /** Comes back as another machine. */
  | 'another identity'
  /** Runs the new version with the bundle that it had before. */
  | 'stale bundle'
  /** Never tells what its host is. */
  | 'mute'
  /** Its host has too little memory. */
  | 'unfit'
  /** Says that it applies the newest revision, and enforces another policy. */
  | 'another policy'
  /** Is deleted when it was uninstalled. */
  | 'deleted'
  /** An EC2 instance whose agent is dead: nothing happens there before its runner is called. */
  | 'agent dead'
  /** The same, where nothing proves that it is the instance that it says it is. */
  | 'unproven'
  /** The same as `agent dead`, and SSM does not reach it either. */
  | 'beyond SSM'
  /** An EC2 instance whose agent works. */
  | 'instance';

export interface Host {
  namespace: NamespacePath;
  ID: Enforcer['ID'];
  behaviour: Behaviour;
  /** What is installed; empty: nothing. */
  version: string;
  /** Directives that were carried out. */
  done: Set<string>;
  instance?: Ec2Instance;
  /** How often its runner was called; the calls of one name count once. */
  calls: Set<string>;
}

export interface FleetOptions extends Pick<WorkflowsOptions, 'onTransition' | 'duplicateDelivery'> {
  database: Database;
  store: ObjectStore;
  time: Timeline;
  hosts: Host[];
  /** Called before and after each step of a runner; what it throws kills the runner, which begins again. */
  onStep?: (host: Host, step: string) => void;
  /** Hosts that act at the same moment; one after the other unless said. */
  abreast?: number;
}

/** Of a host that passes. */
export const FACTS = HostFacts.parse({
  platform: 'linux',
  distribution: 'debian',
  distributionVersion: '12',
  kernel: '6.1.0',
  processors: 4,
  memory: 2 ** 33,
  diskFree: 2 ** 34,
  clockSkew: 0,
  capabilities: ['NET_ADMIN', 'NET_RAW'],
  modules: ['nf_conntrack', 'nf_tables', 'nfnetlink_log', 'nft_ct', 'nft_log'],
  cgroup2: true,
  nft: '1.0.6',
  packages: ['conntrack', 'tcpdump'],
  systemd: true,
  egress: { 'api.test': '' },
});

const OLD = '1.0.0';
export const NEW = '2.0.0';

const ON_EC2: readonly Behaviour[] = ['agent dead', 'unproven', 'beyond SSM', 'instance'];
/** Nothing happens there before its runner is called. */
const DEAD: readonly Behaviour[] = ['agent dead', 'unproven'];

const instanceOf = (behaviour: Behaviour, index: number): Ec2Instance | undefined =>
  ON_EC2.includes(behaviour)
    ? { account: '123456789012', region: 'eu-west-1', id: `i-${String(index).padStart(8, '0')}` }
    : undefined;

/** Hosts with an agent of version 1.0.0 each; `behaviour` by their number. */
export async function plantHosts(
  store: ObjectStore,
  namespace: NamespacePath,
  count: number,
  behaviour: (index: number) => Behaviour = () => 'good',
): Promise<Host[]> {
  const hosts: Host[] = [];
  for (let index = 0; index < count; index += 1) {
    const name = `host-${String(index).padStart(5, '0')}`;
    const instance = instanceOf(behaviour(index), index);
    const enforcer = make('enforcer', namespace, {
      ...(instance ? { instance } : {}),
      name,
      FQDN: `${name}.example.com`,
      machineID: `${namespace} ${name}`,
      currentVersion: OLD,
      operationalStatus: 'Connected',
      bundle: { revision: 1, state: 'applied' },
    });
    hosts.push({
      namespace,
      ID: enforcer.ID,
      behaviour: behaviour(index),
      version: OLD,
      done: new Set(),
      calls: new Set(),
      ...(instance ? { instance } : {}),
    });
    const proven = instance && behaviour(index) !== 'unproven' ? { verifiedInstance: instance } : {};
    const unreachable = DEAD.includes(behaviour(index));
    await store.commit([create('enforcer', { ...enforcer, unreachable, ...proven })]);
  }
  return hosts;
}

/** As the API creates it, once it was checked. */
export async function beginUpgrade(
  store: ObjectStore,
  namespace: NamespacePath,
  targets: number,
  said: object,
  time: Timeline,
): Promise<EnforcerUpgrade> {
  const spec = UpgradeSpec.parse({ targetVersion: NEW, ...said });
  const now = time.now();
  const object: EnforcerUpgrade = {
    ...newObject('enforcerupgrade', enforcerupgrade.input.parse({ name: spec.name, spec }), {
      id: newObjectId(now, time.randomBytes),
      namespace,
      now,
    }),
    version: NEW,
    targets,
    waves: wavesOf(targets, spec).map(hosts => ({ hosts, batches: [], skipped: 0 })),
  };
  await store.commit([create('enforcerupgrade', object)]);
  return object;
}

/** Digest of what is published. */
const POLICY = 'published';
const policyOf = ({ behaviour }: Host, version: string): string =>
  behaviour === 'another policy' && version === NEW ? 'another' : POLICY;

const isCalled = ({ calls }: Host, { id }: DirectedTask): boolean => calls.has(callOf(id).name);

const STATUSES = ['conflict', 'not_found', 'forbidden'];

/** The real state machine, tasks, feed and reports over a real store, and hosts that are played. */
export function upgrading({
  database,
  store,
  time,
  hosts,
  onStep = () => {},
  abreast = 1,
  ...options
}: FleetOptions) {
  const events: BusEvent[] = [];
  const bus = { publish: async (event: BusEvent) => void events.push(event) };
  const publications = openPublications(database);
  const runnerPlaces: RunnerPlaces = {
    on: ({ id }) => {
      const host = hosts.find(({ instance }) => instance?.id === id);
      if (!host) return undefined;
      return {
        start: async ({ name }) => {
          if (host.behaviour === 'beyond SSM') throw fail('not_found', 'SSM does not manage the instance');
          host.calls.add(name);
          const task = (await enforcerOf(host))?.migration?.task;
          if (task) directed.add(host.ID);
        },
        runs: async name => host.calls.has(name),
      };
    },
  };
  const deps = { store, publications, clock: time, bus, log: quiet, runnerPlaces } as unknown as Deps;
  const workflows = openWorkflows({
    database,
    definitions: only('upgrade-enforcers'),
    tasks: Object.fromEntries(
      Object.entries(tasks).map(([name, task]) => [name, (payload: unknown) => task(payload, deps)]),
    ),
    clock: time,
    timers: time.timers,
    log: quiet,
    ...options,
  });
  Object.assign(deps, { workflows });
  const feed = openChangeFeed(database);
  let cursor: string | undefined;
  /** Enforcers that were given a directive, as the change feed tells. */
  const directed = new Set<string>();
  const noteDirected = ({ resource, after }: Change): void => {
    const { task, collect } = (resource === 'enforcer' && (after as Enforcer | undefined)?.migration) || {};
    if (task || collect) directed.add((after as Enforcer).ID);
  };

  /** What the hosts apply was published, once. */
  const publishAll = async (): Promise<void> => {
    for (const namespace of new Set(hosts.map(host => host.namespace))) {
      const found = await store.getByName('namespace', parentPath(namespace), namespace);
      if (!found || (await publications.get(tenantOf(namespace), found.ID))) continue;
      await publications.mark(namespace, found.ID);
      const entry = await publications.get(tenantOf(namespace), found.ID);
      if (entry) await publications.done({ ...entry, revision: 2, digest: POLICY, since: 1, changed: '' });
    }
  };

  /** Hands over every change since; the first time, all that are still kept. */
  const deliver = async (): Promise<number> => {
    if (cursor === undefined) await publishAll();
    let changes = 0;
    for (;;) {
      const batch = await feed.read(cursor ?? (await feed.start()), 500);
      cursor = batch.cursor;
      if (batch.changes.length === 0) return changes;
      changes += batch.changes.length;
      batch.changes.forEach(noteDirected);
      await upgradeCreated(batch.changes, deps);
      await enforcerReported(batch.changes, deps);
    }
  };

  const enforcerOf = async ({ namespace, ID: id }: Host): Promise<Enforcer | undefined> =>
    store.get({ resource: 'enforcer', namespace, id });

  /** What the API does with a report of the host; refusals are the runner's to bear. */
  const report = async (host: Host, task: DirectedTask, said: object): Promise<string> => {
    const target = await enforcerOf(host);
    const by = host.behaviour === 'agent dead' ? { by: 'ssm' } : {};
    const body = DirectiveReport.parse({ directive: task.id, ...by, ...said });
    const call = { target, body, params: { id: host.ID }, namespace: host.namespace } as unknown as Call;
    try {
      return JSON.stringify((await reportDirective(call, deps)).body);
    } catch (error) {
      if (error instanceof Failure && STATUSES.includes(error.kind)) return error.kind;
      throw error;
    }
  };

  /** As a registration and the first poke leave the enforcer. */
  const comeBack = async (host: Host, version: string): Promise<void> => {
    await rewritten('enforcer', host, deps, ({ bundle: _, ...enforcer }) => ({
      ...enforcer,
      bundle: undefined,
      registrationTime: time.now().toISOString(),
    }));
    const enforcer = await enforcerOf(host);
    if (!enforcer) return;
    const revision = host.behaviour === 'stale bundle' && version === NEW ? 1 : 2;
    const bundle = {
      revision,
      state: 'applied' as const,
      reason: '',
      digest: 'd',
      policy: policyOf(host, version),
    };
    const after = poked(
      enforcer,
      { operationalStatus: 'Connected', currentVersion: version, bundle },
      time.now(),
    );
    if (after) await store.commit([{ kind: 'refresh', resource: 'enforcer', object: after }]);
  };

  /** The machine registers under an ID that it did not have: the enforcer that is waited for never comes. */
  const comeAsAnother = async ({ namespace, ID }: Host, version: string): Promise<void> => {
    const name = `another ${ID} ${version}`;
    const more = { name, FQDN: 'another.example.com', machineID: name, currentVersion: version };
    await store.commit([create('enforcer', make('enforcer', namespace, more))]);
  };
  const remove = async (host: Host): Promise<void> => {
    const object = await enforcerOf(host);
    if (object)
      await store.commit([{ kind: 'delete', resource: 'enforcer', object, seen: object.updateTime }]);
  };

  const uninstall = async (host: Host, task: DirectedTask): Promise<void> => {
    if (host.behaviour === 'silent' || host.behaviour === 'beyond SSM') return;
    if (host.behaviour !== 'reordered') await report(host, task, { event: 'accepted' });
    host.version = '';
    onStep(host, 'removed');
    const left = host.behaviour === 'leftovers' ? ['/var/lib/prisma-enforcer/state'] : [];
    await report(host, task, { event: 'uninstalled', left, openMilliseconds: 0 });
    if (host.behaviour === 'reordered') await report(host, task, { event: 'accepted' });
    if (host.behaviour === 'deleted') await remove(host);
    if (host.behaviour !== 'chatty') return;
    await report(host, task, { event: 'uninstalled', left });
    await report(host, task, { event: 'failed', reason: 'too late to matter' });
  };

  const install = async (host: Host, task: DirectedTask): Promise<void> => {
    const { behaviour } = host;
    if (['silent', 'beyond SSM', 'dead', 'deleted'].includes(behaviour)) return;
    if (behaviour === 'another identity') return comeAsAnother(host, task.version);
    if (behaviour === 'reordered') await comeBack(host, task.version);
    await report(host, task, { event: 'accepted' });
    onStep(host, 'accepted');
    if (behaviour === 'broken release' && task.version === NEW) {
      await report(host, task, { event: 'failed', reason: 'the service did not start' });
      return;
    }
    host.version = behaviour === 'wrong version' ? OLD : task.version;
    onStep(host, 'installed');
    if (behaviour !== 'reordered') await comeBack(host, host.version);
    if (behaviour === 'twice') await comeBack(host, host.version);
    if (task.probes.length > 0) {
      const bad = behaviour === 'breaks policy' && host.version === NEW;
      await report(host, task, {
        event: 'probed',
        probes: task.probes.map(({ name }) => ({ name, ok: !bad })),
      });
    }
    if (behaviour === 'chatty') await report(host, task, { event: 'accepted' });
  };

  /** The agent tells what its host is when it is asked; false when it is not, or has told. */
  const tellOf = async (host: Host, enforcer: Enforcer | undefined): Promise<boolean> => {
    const question = enforcer?.migration?.collect;
    const isMute = ['mute', 'agent dead', 'unproven', 'beyond SSM'].includes(host.behaviour);
    if (!question || enforcer?.lastCollectionID === question || isMute) return false;
    const facts = host.behaviour === 'unfit' ? { ...FACTS, memory: 2 ** 20 } : FACTS;
    await rewritten('enforcer', host, deps, () => ({ facts, lastCollectionID: question }));
    return true;
  };

  /** The runner of a host reads its directive and carries it out; false when it has none. */
  const actOne = async (host: Host): Promise<boolean> => {
    const enforcer = await enforcerOf(host);
    if (await tellOf(host, enforcer)) return true;
    const task = enforcer?.migration?.task;
    const isDeaf =
      task &&
      !isCalled(host, task) &&
      (host.behaviour === 'unproven' || (host.behaviour === 'agent dead' && task.kind === 'uninstall'));
    if (!task || host.done.has(task.id) || isDeaf) {
      directed.delete(host.ID);
      return false;
    }
    try {
      onStep(host, 'before');
      await (task.kind === 'uninstall' ? uninstall(host, task) : install(host, task));
      onStep(host, 'after');
      host.done.add(task.id);
    } catch (error) {
      // The runner was killed and begins again; anything else is a mistake here.
      if (!(error instanceof Error && error.message === 'killed')) throw error;
    }
    return true;
  };

  /** Every runner that has a directive carries it out; how many had one. */
  const act = async (): Promise<number> => {
    let acted = 0;
    const waiting = hosts.filter(({ ID }) => directed.has(ID));
    for (let at = 0; at < waiting.length; at += abreast) {
      const done = await Promise.all(waiting.slice(at, at + abreast).map(actOne));
      acted += done.filter(Boolean).length;
    }
    return acted;
  };

  /** Lets everything happen that follows without time going by. */
  const settle = async (): Promise<void> => {
    for (;;) {
      const changes = await deliver();
      await workflows.idle();
      if (changes + (await act()) + (await deliver()) === 0) return;
    }
  };
  /** Moves time on until the upgrade has ended, or `until` says so. */
  const finish = async (until: () => Promise<boolean> = async () => false): Promise<void> => {
    for (;;) {
      await settle();
      if ((await until()) || !time.next()) return;
    }
  };

  return { workflows, deps, events, deliver, act, report, comeBack, enforcerOf, settle, finish };
}

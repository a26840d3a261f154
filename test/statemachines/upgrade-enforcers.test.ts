import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { tasks } from '../../functions/tasks/index.ts';
import { batchID } from '../../functions/upgrade.ts';
import { load } from '../../local/asl/load.ts';
import { readStateMachines } from '../../local/workflows.ts';
import type { Database } from '../../shared/adapters/local/database.ts';
import { openObjectStore } from '../../shared/adapters/local/object-store.ts';
import type { ObjectStore } from '../../shared/ports/object-store.ts';
import type { BusEvent } from '../../shared/schema/event.ts';
import {
  type Behaviour,
  beginUpgrade,
  FACTS,
  type FleetOptions,
  NEW,
  plantHosts,
  upgrading,
} from '../make/fleet.ts';
import { create, freshTenant, make, makeNamespace } from '../make/objects.ts';
import { type QuickDatabase, quickDatabase } from '../make/quick-database.ts';
import { timeline } from '../make/timeline.ts';

let quick: QuickDatabase;
let database: Database;
let store: ObjectStore;
let times = 0;

// One for each play: a process that starts again is told all changes of its database.
beforeEach(openDatabase);
afterEach(() => quick.stop());

function openDatabase(): void {
  quick = quickDatabase();
  ({ database } = quick);
}

interface Played extends Pick<FleetOptions, 'onStep' | 'onTransition' | 'duplicateDelivery'> {
  hosts: number;
  behaviour?: (index: number) => Behaviour;
  spec?: object;
}

async function play({ hosts: count, behaviour, spec = {}, ...options }: Played) {
  const time = timeline(undefined, `upgrade ${++times}`);
  store = openObjectStore(database, time);
  const tenant = freshTenant();
  await store.commit([create('namespace', makeNamespace(tenant))]);
  const hosts = await plantHosts(store, tenant, count, behaviour);
  const upgrade = await beginUpgrade(
    store,
    tenant,
    count,
    { canary: 1, waves: 2, soak: '10s', ...spec },
    time,
  );
  const open = (more: Partial<FleetOptions> = {}) =>
    upgrading({ database, store, time, hosts, ...options, ...more });
  const standing = async () => {
    const found = await store.get({ resource: 'enforcerupgrade', namespace: tenant, id: upgrade.ID });
    if (!found) throw new Error('the upgrade is gone');
    return found;
  };
  /** What is left of it all: the upgrade, and each host. */
  const outcome = async () => {
    const { status, reason, waves } = await standing();
    const enforcers = await Promise.all(
      hosts.map(({ namespace, ID: id }) => store.get({ resource: 'enforcer', namespace, id })),
    );
    return {
      status,
      reason,
      counts: waves.map(({ counts }) => counts),
      hosts: hosts.map(({ version }, index) => {
        const { state, reason: why, task, ranBy } = enforcers[index]?.migration ?? {};
        return { version, state, why, task, ranBy };
      }),
    };
  };
  return { time, tenant, hosts, upgrade, open, standing, outcome };
}

const moments = (events: readonly BusEvent[]): unknown[] =>
  events.map(({ detail }) => ('moment' in detail ? detail.moment : undefined));

const statesOf = (outcome: Awaited<ReturnType<Awaited<ReturnType<typeof play>>['outcome']>>): string[] =>
  outcome.hosts.map(({ state = 'none', version }) => `${state} ${version || 'nothing'}`);

describe('the file', () => {
  const machine = load('upgrade-enforcers', readStateMachines()['upgrade-enforcers'], Object.keys(tasks));

  it('gives every task a timeout, and tries each again but what is refused for good', () => {
    const called = [...machine.states].flatMap(([, state]) => (state.Type === 'Task' ? [state] : []));
    expect(called.length).toBeGreaterThan(10);
    for (const { Retry, TimeoutSeconds } of called) {
      expect(TimeoutSeconds).toBeDefined();
      expect(Retry.at(-1)).toMatchObject({ JitterStrategy: 'FULL', MaxAttempts: 10, MaxDelaySeconds: 60 });
    }
  });
});

describe('an upgrade', () => {
  it('takes every host from one version to the other, the canary first, and tells so', async () => {
    const { open, outcome, upgrade } = await play({ hosts: 5 });
    const { finish, events } = open();
    await finish();
    const result = await outcome();
    expect(result).toMatchObject({
      status: 'Succeeded',
      reason: '',
      counts: [
        { hosts: 1, upgraded: 1, failed: 0 },
        { hosts: 2, upgraded: 2 },
        { hosts: 2, upgraded: 2 },
      ],
    });
    expect(statesOf(result)).toEqual(Array(5).fill(`Upgraded ${NEW}`));
    const wave = (number: number, hosts: number, upgraded: number) =>
      expect.objectContaining({
        wave: {
          number,
          direction: 'forward',
          hosts,
          upgraded,
          restored: 0,
          failed: 0,
          skipped: 0,
          failures: [],
        },
      });
    expect(events.map(({ id, detail }) => [id.replace(`${upgrade.ID}-`, ''), detail])).toEqual([
      ['started', expect.objectContaining({ status: 'Running', version: NEW, targets: 5 })],
      ['waveBegun-0-forward', wave(0, 1, 0)],
      ['waveEnded-0-forward', wave(0, 1, 1)],
      ['waveBegun-1-forward', wave(1, 2, 0)],
      ['waveEnded-1-forward', wave(1, 2, 2)],
      ['waveBegun-2-forward', wave(2, 2, 0)],
      ['waveEnded-2-forward', wave(2, 2, 2)],
      ['ended', expect.objectContaining({ status: 'Succeeded', upgraded: 5, failed: 0 })],
    ]);
  });

  it('tells the bus of a host that fails, why, and how it stands when its wave has ended', async () => {
    const { open, upgrade, hosts } = await play({
      hosts: 3,
      behaviour: index => (index === 1 ? 'broken release' : 'good'),
      spec: { canary: 0, waves: 1, failureThreshold: '1' },
    });
    const { finish, events } = open();
    await finish();
    const failed = {
      ID: hosts[1]?.ID,
      name: 'host-00001',
      state: 'Restored',
      reason: 'the runner could not install it: the service did not start',
    };
    expect(events.map(({ id, detail }) => [id.replace(`${upgrade.ID}-`, ''), detail])).toEqual([
      ['started', expect.objectContaining({ moment: 'started' })],
      ['waveBegun-0-forward', expect.objectContaining({ moment: 'waveBegun' })],
      [
        `host-${hosts[1]?.ID}-forward`,
        expect.objectContaining({ moment: 'host', host: expect.objectContaining(failed) }),
      ],
      [
        'waveEnded-0-forward',
        expect.objectContaining({
          moment: 'waveEnded',
          wave: expect.objectContaining({ restored: 1, failures: [expect.objectContaining(failed)] }),
        }),
      ],
      ['ended', expect.objectContaining({ moment: 'ended', status: 'Succeeded' })],
    ]);
  });

  it('lets the canary finish and be watched before any other host begins', async () => {
    const begun: [number, number][] = [];
    const { open, hosts, time, outcome } = await play({
      hosts: 4,
      spec: { soak: '10m' },
      onStep: (host, step) => {
        if (step === 'removed') begun.push([hosts.indexOf(host), time.now().getTime()]);
      },
    });
    await open().finish();
    expect((await outcome()).status).toBe('Succeeded');
    const [canary, next] = begun;
    expect(canary?.[0]).toBe(0);
    expect((next?.[1] ?? 0) - (canary?.[1] ?? 0)).toBeGreaterThanOrEqual(600_000);
  });

  it('has no more hosts under way than it may', async () => {
    const { open, tenant, outcome, time } = await play({
      hosts: 9,
      spec: { canary: 0, waves: 1, maxConcurrency: 2 },
    });
    const { act, deliver, workflows } = open();
    let most = 0;
    for (let acted = 1; acted > 0 || time.next(); ) {
      await deliver();
      await workflows.idle();
      await deliver();
      const { items } = await store.list('enforcer', tenant, { limit: 100 });
      most = Math.max(most, items.filter(({ migration }) => migration?.task).length);
      acted = await act();
    }
    expect(await outcome()).toMatchObject({ status: 'Succeeded' });
    expect(most).toBe(2);
  });

  it('of more hosts than a part holds runs in several parts', async () => {
    const { open, outcome, standing } = await play({ hosts: 100, spec: { waves: 1, maxConcurrency: 100 } });
    await open().finish();
    expect(await outcome()).toMatchObject({ status: 'Succeeded' });
    expect((await standing()).waves.map(({ batches }) => batches)).toEqual([[0], [1, 2, 3]]);
  });

  it('begins when it is scheduled, and not before', async () => {
    const at = new Date(Date.parse('2026-03-01T12:00:00.000Z') + 3_600_000).toISOString();
    const { open, outcome, time } = await play({ hosts: 2, spec: { schedule: at } });
    const { settle, finish } = open();
    await settle();
    expect(statesOf(await outcome())).toEqual(['none 1.0.0', 'none 1.0.0']);
    await finish();
    expect(time.now().toISOString() > at).toBe(true);
    expect((await outcome()).status).toBe('Succeeded');
  });
});

describe('a host that fails', () => {
  const one = (behaviour: Behaviour) => (index: number) => (index === 3 ? behaviour : 'good');

  it.each<[Behaviour, string, RegExp]>([
    ['silent', 'Failed 1.0.0', /did not report in time/],
    ['broken release', 'Restored 1.0.0', /could not install it: the service did not start/],
    ['wrong version', 'Restored 1.0.0', /came back with version 1\.0\.0, not 2\.0\.0/],
    ['leftovers', 'Restored 1.0.0', /left after the uninstall: \/var\/lib\/prisma-enforcer\/state/],
    ['dead', 'Failed nothing', /did not report in time/],
    ['breaks policy', 'Restored 1.0.0', /unhealthy: probes failed: db/],
    ['chatty', `Upgraded ${NEW}`, /^$/],
    ['reordered', `Upgraded ${NEW}`, /^$/],
    ['twice', `Upgraded ${NEW}`, /^$/],
    ['another identity', 'Failed nothing', /did not report in time/],
  ])('because it is %s ends as %s, and the others are upgraded', async (behaviour, state, reason) => {
    const healthProbe = [{ name: 'db', host: '192.0.2.1', protocolPort: 'tcp/5432', expect: 'pass' }];
    const spec = { canary: 0, waves: 1, failureThreshold: '1', healthProbe };
    const { open, outcome } = await play({ hosts: 5, behaviour: one(behaviour), spec });
    await open().finish();
    const result = await outcome();
    expect(result.status).toBe('Succeeded');
    expect(statesOf(result)).toEqual([0, 1, 2, 3, 4].map(index => (index === 3 ? state : `Upgraded ${NEW}`)));
    expect(result.hosts[3]?.why ?? '').toMatch(reason);
    expect(result.hosts.map(({ task }) => task)).toEqual(Array(5).fill(undefined));
  });

  it('because it is deleted is not waited for', async () => {
    const { open, standing, time } = await play({
      hosts: 2,
      behaviour: index => (index === 1 ? 'deleted' : 'good'),
      spec: { canary: 0, waves: 1, failureThreshold: '1' },
    });
    const begun = time.now().getTime();
    await open().finish();
    expect(await standing()).toMatchObject({ status: 'Succeeded', waves: [{ counts: { failed: 1 } }] });
    expect(time.now().getTime() - begun).toBeLessThan(60_000);
  });

  it.each<Behaviour>(['stale bundle', 'another policy'])(
    'because it applies another bundle than was published goes back: %s',
    async behaviour => {
      const { open, outcome } = await play({
        hosts: 2,
        behaviour: index => (index === 1 ? behaviour : 'good'),
        spec: { canary: 0, waves: 1, failureThreshold: '1' },
      });
      await open().finish();
      const result = await outcome();
      expect(statesOf(result)).toEqual([`Upgraded ${NEW}`, 'Restored 1.0.0']);
      expect(result.hosts[1]?.why).toContain('did not report in time');
    },
  );

  it('in the canary stops all: the canary goes back, and the rest is left alone', async () => {
    const { open, outcome } = await play({
      hosts: 6,
      behaviour: () => 'breaks policy',
      spec: {
        failureThreshold: '0',
        healthProbe: [{ name: 'db', host: '192.0.2.1', protocolPort: 'tcp/5432', expect: 'pass' }],
      },
    });
    await open().finish();
    const result = await outcome();
    expect(result.status).toBe('RolledBack');
    expect(result.reason).toBe('1 of 1 hosts of wave 0 failed; 0 are put up with');
    expect(statesOf(result)).toEqual(['Restored 1.0.0', ...Array(5).fill('Skipped 1.0.0')]);
  });

  it('one too many rolls the whole wave back, stops what has not begun, and leaves finished waves', async () => {
    const { open, outcome } = await play({
      hosts: 11,
      behaviour: index => (index === 2 || index === 3 ? 'broken release' : 'good'),
      spec: { canary: 1, waves: 1, failureThreshold: '1', maxConcurrency: 2 },
    });
    await open().finish();
    const result = await outcome();
    expect(result.status).toBe('RolledBack');
    const states = statesOf(result);
    expect(states[0]).toBe(`Upgraded ${NEW}`);
    expect(new Set(states.slice(1))).toEqual(new Set(['Restored 1.0.0', 'Skipped 1.0.0']));
    expect(states.filter(state => state.startsWith('Skipped')).length).toBeGreaterThan(3);
    expect(result.hosts.find(({ state }) => state === 'Skipped')?.why).toContain('too many hosts');
  });
});

describe('the preflight', () => {
  const one = (behaviour: Behaviour) => (index: number) => (index === 1 ? behaviour : 'good');
  const spec = { canary: 0, waves: 1, failureThreshold: '1' };

  it.each<[Behaviour, RegExp]>([
    ['mute', /^preflight: facts: its agent did not tell what its host is$/],
    ['unfit', /^preflight: memory: 0\.0 GB of memory$/],
  ])('asks the agent of every host anew, and leaves alone what is %s', async (behaviour, reason) => {
    const { open, outcome, standing, hosts } = await play({ hosts: 3, behaviour: one(behaviour), spec });
    await open().finish();
    const result = await outcome();
    expect(statesOf(result)).toEqual([`Upgraded ${NEW}`, 'Skipped 1.0.0', `Upgraded ${NEW}`]);
    expect(result.hosts[1]?.why).toMatch(reason);
    expect(await standing()).toMatchObject({
      status: 'Succeeded',
      unfit: 1,
      unknown: Number(behaviour === 'mute'),
    });
    for (const { namespace, ID: id } of hosts) {
      const enforcer = await store.get({ resource: 'enforcer', namespace, id });
      expect(enforcer?.migration?.collect).toBeUndefined();
    }
  });

  it.each<Behaviour>(['mute', 'unfit'])(
    'of more hosts than are put up with refuses the upgrade: %s',
    async behaviour => {
      const spec = { canary: 0, waves: 1, failureThreshold: '1' };
      const { open, outcome, time } = await play({ hosts: 3, behaviour: () => behaviour, spec });
      const begun = time.now().getTime();
      await open().finish();
      const { status, reason, hosts } = await outcome();
      expect([status, reason]).toEqual(['Refused', '3 of 3 hosts failed the preflight; 1 are put up with']);
      expect(hosts.map(({ state }) => state)).toEqual(Array(3).fill('Skipped'));
      // Agents that tell are waited for until the first look.
      const waited = (time.now().getTime() - begun) / 1000;
      expect(waited).toBe(behaviour === 'mute' ? 120 : 5);
    },
  );

  it('leaves a host alone that was deleted since it was planned, and counts it as no failure', async () => {
    const { open, hosts, tenant, upgrade, standing } = await play({
      hosts: 3,
      behaviour: index => (index === 1 ? 'mute' : 'good'),
      spec: { canary: 0, waves: 1, failureThreshold: '0', forceChecks: ['facts'] },
    });
    const fleet = open();
    await fleet.finish(async () => (await standing()).isPlanned);
    const [, gone] = hosts;
    const object = gone && (await fleet.enforcerOf(gone));
    if (!object) throw new Error('no enforcer');
    await store.commit([{ kind: 'delete', resource: 'enforcer', object, seen: object.updateTime }]);
    await fleet.finish();
    expect(await standing()).toMatchObject({ status: 'Succeeded', unfit: 0, waves: [{ skipped: 1 }] });
    const batch = await store.get({
      resource: 'upgradebatch',
      namespace: tenant,
      id: batchID(upgrade.ID, 0),
    });
    expect(batch?.hosts[1]).toMatchObject({ state: 'Skipped', reason: 'it was deleted' });
  });

  it('knows the namespace of each host: one that maps enforcers elsewhere is no place for an upgrade', async () => {
    const { open, outcome, tenant } = await play({ hosts: 2, spec });
    const mapping = make('namespacemappingpolicy', tenant, {
      name: 'elsewhere',
      subject: [['$identity=enforcer']],
      mappedNamespace: 'other',
    });
    await store.commit([create('namespacemappingpolicy', mapping)]);
    await open().finish();
    const { status, hosts } = await outcome();
    expect(status).toBe('Refused');
    expect(hosts[0]?.why).toBe(
      'preflight: enforcer-mappings: elsewhere would map enforcers, which no longer happens',
    );
  });

  it('that is forced by name goes on, and the activity log says so', async () => {
    const forced = { ...spec, failureThreshold: '0', forceChecks: ['facts', 'memory'] };
    const behaviour = (index: number): Behaviour => (['mute', 'unfit', 'good'] as const)[index] ?? 'good';
    const { open, outcome, tenant } = await play({ hosts: 3, behaviour, spec: forced });
    await open().finish();
    expect(statesOf(await outcome())).toEqual(Array(3).fill(`Upgraded ${NEW}`));
    const { items } = await store.activities(tenant, { limit: 100 });
    const entry = items.find(({ targetIdentity }) => targetIdentity === 'preflight');
    expect(entry?.after).toMatchObject({
      hosts: 2,
      forced: [
        { name: 'host-00000', checks: ['facts'] },
        { name: 'host-00001', checks: ['memory'] },
      ],
    });
  });
});

describe('an EC2 instance', () => {
  const instances = (behaviour: Behaviour) => (index: number) => (index === 1 ? behaviour : 'instance');
  // A dead agent tells nothing of its host.
  const spec = { canary: 0, waves: 1, failureThreshold: '1', forceChecks: ['facts'] };

  it('whose agent is dead has its runner called by SSM, once, and the result says so', async () => {
    const { open, outcome, hosts, tenant, upgrade } = await play({
      hosts: 3,
      behaviour: instances('agent dead'),
      spec,
    });
    const { finish } = open();
    await finish();
    const result = await outcome();
    expect(statesOf(result)).toEqual(Array(3).fill(`Upgraded ${NEW}`));
    expect(result.hosts.map(({ ranBy }) => ranBy)).toEqual(['agent', 'ssm', 'agent']);
    expect(hosts.map(({ calls }) => calls.size)).toEqual([0, 1, 0]);
    const batch = await store.get({
      resource: 'upgradebatch',
      namespace: tenant,
      id: batchID(upgrade.ID, 0),
    });
    expect(batch?.hosts.map(({ ranBy, instance }) => [ranBy, instance])).toEqual([
      ['agent', 'i-00000000'],
      ['ssm', 'i-00000001'],
      ['agent', 'i-00000002'],
    ]);
  });

  it('that was not heard of for long is judged by what it told last, and upgraded by a call', async () => {
    const played = await play({ hosts: 1, behaviour: () => 'agent dead', spec: { canary: 0, waves: 1 } });
    const [host] = played.hosts;
    if (!host) throw new Error('no host');
    const enforcer = await store.get({ resource: 'enforcer', namespace: host.namespace, id: host.ID });
    if (!enforcer) throw new Error('no enforcer');
    const object = { ...enforcer, facts: FACTS };
    await store.commit([{ kind: 'refresh', resource: 'enforcer', object }]);
    await played.open().finish();
    expect((await played.outcome()).hosts).toMatchObject([{ state: 'Upgraded', ranBy: 'ssm' }]);
  });

  it.each([
    // Two minutes more were left to its agent, to tell what the host is.
    [false, 240, 270],
    [true, 0, 30],
  ])(
    'is called when nothing has taken its directive up for two minutes, at once if it was unreachable (%s)',
    async (unreachable, least, most) => {
      let called = 0;
      const { open, hosts, time } = await play({ hosts: 1, behaviour: () => 'agent dead', spec });
      const [host] = hosts;
      if (!host) throw new Error('no host');
      const enforcer = await store.get({ resource: 'enforcer', namespace: host.namespace, id: host.ID });
      if (!enforcer) throw new Error('no enforcer');
      await store.commit([{ kind: 'refresh', resource: 'enforcer', object: { ...enforcer, unreachable } }]);
      const fleet = open();
      const begun = time.now().getTime();
      await fleet.finish(async () => {
        called ||= host.calls.size > 0 ? time.now().getTime() : 0;
        return false;
      });
      expect((called - begun) / 1000).toBeGreaterThanOrEqual(least);
      expect((called - begun) / 1000).toBeLessThan(most);
    },
  );

  it('that SSM does not reach fails in time, after three calls, and the reason tells of them', async () => {
    const { open, outcome } = await play({ hosts: 2, behaviour: instances('beyond SSM'), spec });
    await open().finish();
    const result = await outcome();
    expect(result.hosts[1]).toMatchObject({
      state: 'Failed',
      why: 'it did not report in time; its runner was called by SSM 3 times, the last time in vain: SSM does not manage the instance',
    });
    expect(result.hosts[0]?.state).toBe('Upgraded');
  });

  it('that nothing proves is never called, and the reason says why and what to do', async () => {
    const { open, outcome, hosts } = await play({ hosts: 2, behaviour: instances('unproven'), spec });
    await open().finish();
    const result = await outcome();
    expect(hosts.map(({ calls }) => calls.size)).toEqual([0, 0]);
    expect(statesOf(result)).toEqual([`Upgraded ${NEW}`, 'Failed 1.0.0']);
    expect(result.hosts[1]?.why).toBe(
      'it did not report in time; its runner was not called by SSM: that it is instance i-00000001 is its own word alone; give the instance a role, so that its agent proves it when it starts',
    );
  });

  it('that nothing proves is not judged by what it told before its agent died', async () => {
    const { open, outcome, hosts } = await play({
      hosts: 2,
      behaviour: instances('unproven'),
      spec: { ...spec, forceChecks: [] },
    });
    const { namespace, ID: id } = hosts[1] ?? {};
    if (!namespace || !id) throw new Error('no host');
    const enforcer = await store.get({ resource: 'enforcer', namespace, id });
    if (!enforcer) throw new Error('no enforcer');
    await store.commit([{ kind: 'refresh', resource: 'enforcer', object: { ...enforcer, facts: FACTS } }]);
    await open().finish();
    expect((await outcome()).hosts[1]).toMatchObject({
      state: 'Skipped',
      why: expect.stringContaining('i-00000001 is its own word alone'),
    });
  });

  it('of a wave that is done is not waited for', async () => {
    const { open, time } = await play({
      hosts: 2,
      behaviour: () => 'instance',
      spec: { ...spec, soak: '0' },
    });
    const begun = time.now().getTime();
    await open().finish();
    expect(time.now().getTime() - begun).toBeLessThan(20_000);
  });
});

describe('pause, resume and abort', () => {
  const ask = async (upgrade: Awaited<ReturnType<typeof play>>, wanted: 'Run' | 'Pause' | 'Abort') => {
    const { touch } = await import('../../shared/core/object.ts');
    const before = await upgrade.standing();
    const object = touch('enforcerupgrade', { ...before, wanted }, upgrade.time.now());
    await store.commit([{ kind: 'update', resource: 'enforcerupgrade', object, seen: before.updateTime }]);
    return before;
  };

  const pause = async (played: Awaited<ReturnType<typeof play>>, fleet: ReturnType<typeof played.open>) => {
    await fleet.deliver();
    await ask(played, 'Pause');
    await fleet.settle();
    // What met the asking is tried again; then the agents have told by the first look.
    for (const seconds of [1, 5]) {
      played.time.advance(seconds * 1000);
      await fleet.settle();
    }
    expect((await played.standing()).status).toBe('Paused');
  };

  it('wait before the next wave, for as long as it takes', async () => {
    const played = await play({ hosts: 5 });
    const fleet = played.open();
    await pause(played, fleet);
    played.time.advance(5 * 24 * 3600_000);
    await fleet.settle();
    expect(statesOf(await played.outcome())).toEqual(Array(5).fill('Pending 1.0.0'));
    const { pauseToken } = await ask(played, 'Run');
    await fleet.workflows.sendTaskSuccess(pauseToken, {});
    await fleet.finish();
    expect((await played.outcome()).status).toBe('Succeeded');
    expect(moments(fleet.events)).toEqual([
      ...['started', 'paused', 'resumed'],
      ...Array(3).fill(['waveBegun', 'waveEnded']).flat(),
      'ended',
    ]);
  });

  it('end what has begun, and leave the rest alone', async () => {
    const played = await play({ hosts: 5, spec: { canary: 2, waves: 1 } });
    const fleet = played.open();
    await fleet.settle();
    // The agents have told, it begins, and stands before its soak.
    played.time.next();
    await fleet.settle();
    played.time.next();
    await fleet.settle();
    await ask(played, 'Abort');
    await fleet.finish();
    const result = await played.outcome();
    expect(result.status).toBe('Aborted');
    expect(statesOf(result)).toEqual([
      ...Array(2).fill(`Upgraded ${NEW}`),
      ...Array(3).fill('Skipped 1.0.0'),
    ]);
    expect(result.hosts[4]?.why).toBe('the upgrade was aborted before it came to it');
    const { items } = await store.list('enforcer', played.tenant, { limit: 10 });
    expect(items.map(({ migrationStatus }) => migrationStatus)).toEqual(Array(5).fill('None'));
    expect(moments(fleet.events)).toEqual(['started', 'waveBegun', 'waveEnded', 'aborted']);
  });

  it('that ends a pause is told once', async () => {
    const played = await play({ hosts: 2 });
    const fleet = played.open();
    await pause(played, fleet);
    const { pauseToken } = await ask(played, 'Abort');
    await fleet.workflows.sendTaskSuccess(pauseToken, {});
    await fleet.finish();
    expect((await played.standing()).status).toBe('Aborted');
    expect(moments(fleet.events)).toEqual(['started', 'paused', 'aborted']);
  });

  it('leave hosts that were not come to free for another upgrade, however many they are', async () => {
    const played = await play({ hosts: 250, spec: { canary: 1, waves: 1 } });
    const fleet = played.open();
    await fleet.settle();
    await ask(played, 'Abort');
    await fleet.finish();
    const result = await played.outcome();
    expect(new Set(statesOf(result))).toEqual(new Set(['Skipped 1.0.0']));
  });
});

describe('kill -9', () => {
  const mixed = (index: number): Behaviour =>
    index === 2 ? 'broken release' : index === 1 ? 'agent dead' : 'chatty';
  const spec = { canary: 1, waves: 1, failureThreshold: '1', soak: '1s', forceChecks: ['facts'] };

  it('of the control plane at any transition, before or after it is recorded: the end is the same', async () => {
    const run = async (kill: number) => {
      let points = 0;
      const onTransition = (): void => {
        points += 1;
        if (points === kill) throw new Error('killed');
      };
      const played = await play({ hosts: 3, behaviour: mixed, spec });
      let fleet = played.open({ onTransition });
      await fleet
        .finish(async () => points >= kill)
        .catch(error => {
          // What is still asked of the process that was killed.
          if (points < kill) throw error;
        });
      if (points >= kill) {
        // A new process: it knows what is on disk, and is told all changes again.
        fleet = played.open();
        await fleet.finish();
      }
      return { outcome: await played.outcome(), points };
    };
    const whole = await run(Number.POSITIVE_INFINITY);
    expect(whole.outcome.status).toBe('Succeeded');
    expect(statesOf(whole.outcome)).toEqual([`Upgraded ${NEW}`, `Upgraded ${NEW}`, 'Restored 1.0.0']);
    for (let kill = 1; kill <= whole.points; kill += 1) {
      await quick.stop();
      openDatabase();
      expect([kill, (await run(kill)).outcome]).toEqual([kill, whole.outcome]);
    }
    console.log(`control plane killed at each of ${whole.points} points`);
  }, 400_000);

  it('of the runner before and after each of its steps: the end is the same', async () => {
    const run = async (kill: number) => {
      let points = 0;
      const onStep = (): void => {
        points += 1;
        if (points === kill) throw new Error('killed');
      };
      const played = await play({ hosts: 3, behaviour: mixed, spec, onStep });
      await played.open().finish();
      return { outcome: await played.outcome(), points };
    };
    const whole = await run(Number.POSITIVE_INFINITY);
    for (let kill = 1; kill <= whole.points; kill += 1) {
      expect([kill, (await run(kill)).outcome]).toEqual([kill, whole.outcome]);
    }
    console.log(`runner killed at each of ${whole.points} points`);
  }, 200_000);

  it('of nothing, but with every task delivered twice: the end is the same', async () => {
    const results = [];
    for (const copies of [0, 1]) {
      const played = await play({ hosts: 3, behaviour: mixed, spec, duplicateDelivery: () => copies });
      await played.open().finish();
      results.push(await played.outcome());
    }
    expect(results[1]).toEqual(results[0]);
  });
});

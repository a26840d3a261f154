import { describe, expect, it } from 'vitest';
import { tasks } from '../../../functions/tasks/index.ts';
import { load } from '../../../local/asl/load.ts';
import { readStateMachines } from '../../../local/workflows.ts';
import { NEW } from '../../make/fleet.ts';
import { play, statesOf } from './play.ts';

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
    const { store, open, tenant, outcome, time } = await play({
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

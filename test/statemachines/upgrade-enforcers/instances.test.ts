import { describe, expect, it } from 'vitest';
import { batchID } from '../../../functions/upgrade.ts';
import { type Behaviour, FACTS, NEW } from '../../make/fleet.ts';
import { play, statesOf } from './play.ts';

describe('an EC2 instance', () => {
  const instances = (behaviour: Behaviour) => (index: number) => (index === 1 ? behaviour : 'instance');
  // A dead agent tells nothing of its host.
  const spec = { canary: 0, waves: 1, failureThreshold: '1', forceChecks: ['facts'] };

  it('whose agent is dead has its runner called by SSM, once, and the result says so', async () => {
    const { store, open, outcome, hosts, tenant, upgrade } = await play({
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
    const enforcer = await played.store.get({ resource: 'enforcer', namespace: host.namespace, id: host.ID });
    if (!enforcer) throw new Error('no enforcer');
    const object = { ...enforcer, facts: FACTS };
    await played.store.commit([{ kind: 'refresh', resource: 'enforcer', object }]);
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
      const { store, open, hosts, time } = await play({ hosts: 1, behaviour: () => 'agent dead', spec });
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
    const { store, open, outcome, hosts } = await play({
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

import { describe, expect, it } from 'vitest';
import { batchID } from '../../../functions/upgrade.ts';
import { type Behaviour, NEW } from '../../make/fleet.ts';
import { create, make } from '../../make/objects.ts';
import { play, statesOf } from './play.ts';

describe('the preflight', () => {
  const one = (behaviour: Behaviour) => (index: number) => (index === 1 ? behaviour : 'good');
  const spec = { canary: 0, waves: 1, failureThreshold: '1' };

  it.each<[Behaviour, RegExp]>([
    ['mute', /^preflight: facts: its agent did not tell what its host is$/],
    ['unfit', /^preflight: memory: 0\.0 GB of memory$/],
  ])('asks the agent of every host anew, and leaves alone what is %s', async (behaviour, reason) => {
    const { store, open, outcome, standing, hosts } = await play({
      hosts: 3,
      behaviour: one(behaviour),
      spec,
    });
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
    const { store, open, hosts, tenant, upgrade, standing } = await play({
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
    const { store, open, outcome, tenant } = await play({ hosts: 2, spec });
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
    const { store, open, outcome, tenant } = await play({ hosts: 3, behaviour, spec: forced });
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

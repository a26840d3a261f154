import { describe, expect, it } from 'vitest';
import { type Behaviour, NEW } from '../../make/fleet.ts';
import { play, statesOf } from './play.ts';

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

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { NAMESPACE } from '../fleet.ts';
import { ALLOWED, FORBIDDEN, HEALTH, LASTING, MEMBERS, settled, writePolicy } from './shop.ts';
import { openStage, SOAK, type Stage } from './stage.ts';
import { openTraffic, type TrafficFlow } from './traffic.ts';

describe('five enforcers under a thousand probes a second', () => {
  let stage: Stage;
  let traffic: TrafficFlow;

  beforeAll(async () => {
    stage = await openStage(MEMBERS, [{ version: '1.0.0' }, { version: '2.0.0' }]);
    await writePolicy(stage.fleet);
    await settled(stage);
  });
  afterAll(async () => {
    await traffic?.close();
    await stage?.close();
  });

  test('an upgrade delivers nothing forbidden, refuses nothing allowed, and breaks no connection', {
    timeout: 600_000,
  }, async () => {
    traffic = await openTraffic(stage.fleet, { allowed: ALLOWED, forbidden: FORBIDDEN, lasting: LASTING });
    const status = await stage.upgrade({
      targetVersion: '2.0.0',
      canary: 1,
      waves: 2,
      soak: SOAK,
      hostTimeout: '4m',
      failureThreshold: '0',
      healthProbe: HEALTH,
    });
    const { probes, seconds, delivered, refused, flows } = await traffic.stop();
    console.log(
      `upgrade: 5 enforcers in ${seconds.toFixed(0)} s, ${probes} probes (${Math.round(probes / seconds)}/s): ` +
        `${delivered.length} forbidden delivered, ${refused.length} allowed refused; ` +
        `${flows.filter(({ ended }) => ended === '').length} of ${flows.length} connections go on`,
    );
    expect(status).toMatchObject({ status: 'Succeeded', reason: '' });
    expect(stage.hosts.map(host => host.status()?.version)).toEqual(stage.hosts.map(() => '2.0.0'));
    expect([delivered.slice(0, 5), refused.slice(0, 5)]).toEqual([[], []]);
    for (const { sent, echoed, ended } of flows) {
      expect(ended).toBe('');
      expect(sent).toBeGreaterThan(0);
      expect(echoed).toBeGreaterThanOrEqual(sent);
    }
    const { body } = await stage.fleet.client.call('listUpgradeHosts', {
      namespace: NAMESPACE,
      params: { id: status.ID },
    });
    expect(body.map(({ state, openMilliseconds }) => [state, openMilliseconds])).toEqual(
      stage.hosts.map(() => ['Upgraded', 0]),
    );
    for (const host of stage.hosts) await host.left();
    expect(stage.hosts.map(host => host.log())).toEqual(stage.hosts.map(() => ''));
  });

  test('without the rules, as in the original, it says how long the host was open', {
    timeout: 600_000,
  }, async () => {
    await traffic.close();
    traffic = await openTraffic(stage.fleet, { allowed: ALLOWED, forbidden: FORBIDDEN, lasting: [] });
    const status = await stage.upgrade({
      targetVersion: '1.0.0',
      allowDowngrade: true,
      mode: 'strict-clean',
      selector: [['$identity=enforcer', 'app=db', `$name=db1`]],
      canary: 1,
      soak: SOAK,
      hostTimeout: '4m',
    });
    const { delivered, refused } = await traffic.stop();
    expect(status).toMatchObject({ status: 'Succeeded', targets: 1 });
    const { body } = await stage.fleet.client.call('listUpgradeHosts', {
      namespace: NAMESPACE,
      params: { id: status.ID },
    });
    const told = body[0]?.openMilliseconds ?? 0;
    const times = delivered.map(({ at }) => at * 1000);
    const seen = Math.max(...times) - Math.min(...times);
    console.log(`strict-clean: open for ${told} ms as told, ${Math.round(seen)} ms as seen on the wire`);
    // The runner is told by the kernel when it gets to read; of the whole that is a small part, however busy the machine is.
    expect(told).toBeGreaterThan(0.8 * seen);
    expect(told).toBeLessThan(1.25 * seen);
    expect(delivered.filter(({ from, to }) => from !== '10.0.0.3' && to !== '10.0.0.3')).toEqual([]);
    expect(refused).toEqual([]);
  });
});

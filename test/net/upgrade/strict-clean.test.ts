import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { NAMESPACE } from '../fleet.ts';
import { ALLOWED, FORBIDDEN, MEMBERS, settled, writePolicy } from './shop.ts';
import { openStage, SOAK, type Stage } from './stage.ts';
import { openTraffic, type TrafficFlow } from './traffic.ts';

describe('five enforcers, one of which goes back to a former version', () => {
  let stage: Stage;
  let traffic: TrafficFlow;

  beforeAll(async () => {
    stage = await openStage(MEMBERS, [{ version: '2.0.0' }, { version: '1.0.0' }]);
    await writePolicy(stage.fleet);
    await settled(stage);
  });
  afterAll(async () => {
    await traffic?.close();
    await stage?.close();
  });

  test('without the rules, as in the original, it says how long the host was open', {
    timeout: 600_000,
  }, async () => {
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
    expect(told).toBeGreaterThan(0);
    expect(Math.abs(told - seen)).toBeLessThan(150);
    expect(delivered.filter(({ from, to }) => from !== '10.0.0.3' && to !== '10.0.0.3')).toEqual([]);
    expect(refused).toEqual([]);
  });
});

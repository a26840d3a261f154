import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PLACES } from '../../../clients/enforcer/life/unit-files.ts';
import type { Step } from '../../../clients/enforcer/runner/journal.ts';
import { NAMESPACE } from '../fleet.ts';
import { until } from '../until.ts';
import { ALLOWED, FORBIDDEN, LASTING, MEMBERS, settled, writePolicy } from './shop.ts';
import { filesBelow, mortal, openStage, SHORT_SOAK, type Stage } from './stage.ts';
import { openTraffic, type TrafficFlow } from './traffic.ts';

/** What an upgrade that goes well notes, in its order. */
const STEPS: readonly Step[] = [
  'accept',
  'fetch',
  'hold',
  'remove',
  'verify',
  'tell',
  'await',
  'install',
  'start',
  'prove',
  'measure',
  'leave',
];
const KILLS = STEPS.flatMap(step => [`before ${step}`, `after ${step}`]);

const HOSTS = ['web1', 'db1', 'outside'];
const ADDRESSES = MEMBERS.filter(({ name }) => HOSTS.includes(name)).flatMap(({ addresses }) => addresses);
const between = ({ from, to }: { from: string; to: string }) =>
  [from, to].every(one => ADDRESSES.includes(one));

describe('a runner that is killed before and after each step', () => {
  let stage: Stage;
  let traffic: TrafficFlow;
  const list = (name: string) => join(tmpdir(), `kills-${process.pid}-${name}`);

  beforeAll(async () => {
    for (const name of ['web1', 'db1']) writeFileSync(list(name), `${KILLS.join('\n')}\n`);
    stage = await openStage(
      MEMBERS.filter(({ name }) => HOSTS.includes(name)),
      [mortal({ version: '1.0.0' }), { version: '2.0.0' }],
      { kills: list },
    );
    await writePolicy(stage.fleet);
    await settled(stage, between);
  });
  afterAll(async () => {
    await traffic?.close();
    await stage?.close();
  });

  test(`${KILLS.length} kills on each of two hosts: the upgrade succeeds, and the wire never notices`, {
    timeout: 600_000,
  }, async () => {
    await stage.fleet.client.call('createAppcredential', {
      namespace: NAMESPACE,
      body: { name: 'enforcerd', roles: ['@auth:role=enforcer'] },
    });
    traffic = await openTraffic(stage.fleet, {
      allowed: ALLOWED.filter(between),
      forbidden: FORBIDDEN.filter(between),
      lasting: LASTING.filter(({ server }) => server === 'db1'),
    });
    const status = await stage.upgrade({
      targetVersion: '2.0.0',
      canary: 0,
      waves: 1,
      soak: SHORT_SOAK,
      hostTimeout: '8m',
      failureThreshold: '0',
    });
    // They are killed until the last of them has left, and the wire is watched as long.
    for (const host of stage.hosts)
      await until(`the runner of ${host.name} to leave`, async () =>
        existsSync(join(host.prefix, PLACES.runnerHome)) ? undefined : true,
      );
    const { probes, delivered, refused, flows } = await traffic.stop();
    console.log(
      `kill -9: ${KILLS.length * 2} kills, ${probes} probes: ${delivered.length} forbidden delivered, ` +
        `${refused.length} allowed refused`,
    );
    expect(status).toMatchObject({ status: 'Succeeded', reason: '' });
    expect([delivered.slice(0, 5), refused.slice(0, 5)]).toEqual([[], []]);
    expect(flows.map(({ ended }) => ended)).toEqual(flows.map(() => ''));
    // Also those of the last step.
    expect(stage.hosts.map(({ name }) => readFileSync(list(name), 'utf8'))).toEqual(['', '']);
  });

  test('an uninstall after it leaves nothing, and nothing of others is gone', async () => {
    for (const { name, prefix, before } of stage.hosts) {
      const host = stage.fleet.network.host(name);
      await host.run(join(prefix, PLACES.program), ['uninstall', '--prefix', prefix]);
      expect(filesBelow(prefix)).toEqual(before);
      expect(await host.run('nft', ['list', 'ruleset'])).toBe('');
    }
    const { body } = await stage.fleet.client.call('listAppcredential', { namespace: NAMESPACE });
    expect(body.map(({ name }) => name)).toEqual(['enforcerd']);
  });
});

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { UpgradeStatus } from '../../../shared/api/client.ts';
import { newObjectId, touch } from '../../../shared/core/object.ts';
import { NamespacePath } from '../../../shared/schema/ids.ts';
import { Migration } from '../../../shared/schema/migration.ts';
import { MAIN } from '../../make/process.ts';
import { NAMESPACE, NODE } from '../fleet.ts';
import { until } from '../until.ts';
import { ALLOWED, FORBIDDEN, LASTING, MEMBERS, settled, writePolicy } from './shop.ts';
import { type Installed, openStage, type Stage } from './stage.ts';
import { openTraffic, type TrafficFlow } from './traffic.ts';

const HOSTS = ['web1', 'db1', 'outside'];
const ADDRESSES = MEMBERS.filter(({ name }) => HOSTS.includes(name)).flatMap(({ addresses }) => addresses);
const between = ({ from, to }: { from: string; to: string }) =>
  [from, to].every(one => ADDRESSES.includes(one));

describe('an order at a live agent, and an upgrade whose control plane goes away', () => {
  let stage: Stage;
  let traffic: TrafficFlow | undefined;
  let child: ChildProcess | undefined;
  let web: Installed;

  beforeAll(async () => {
    stage = await openStage(
      MEMBERS.filter(({ name }) => HOSTS.includes(name)),
      [{ version: '1.0.0' }, { version: '2.0.0' }, { version: '3.0.0' }],
    );
    await writePolicy(stage.fleet);
    await settled(stage, between);
    const found = stage.hosts.find(({ name }) => name === 'web1');
    if (!found) throw new Error('no web1');
    web = found;
  });
  afterAll(async () => {
    await traffic?.close();
    child?.kill('SIGKILL');
    await stage?.close();
  });

  const watched = async () => {
    await traffic?.close();
    traffic = await openTraffic(stage.fleet, {
      allowed: ALLOWED.filter(between),
      forbidden: FORBIDDEN.filter(between),
      lasting: LASTING.filter(({ server }) => server === 'db1'),
    });
    return traffic;
  };
  const versions = () => Object.fromEntries(stage.hosts.map(host => [host.name, host.status()?.version]));
  const runs = (host: Installed, version: string) =>
    until(`${host.name} to run ${version}`, () =>
      host.status()?.version === version && host.status()?.active?.units ? true : undefined,
    );
  const begin = async (targetVersion: string, more: object): Promise<string> => {
    const spec = { canary: 0, waves: 1, soak: '15s', hostTimeout: '4m', failureThreshold: '0' };
    const body = { ...spec, targetVersion, forceChecks: ['systemd'], ...more };
    return (await stage.fleet.client.call('createEnforcerUpgrade', { namespace: NAMESPACE, body })).body.ID;
  };
  /** Nobody answers for a while: that is no end. */
  const ended = (id: string): Promise<UpgradeStatus> =>
    until(
      'the upgrade to end',
      async () => {
        await wait(200);
        const { client } = stage.fleet;
        const got = await client
          .call('getEnforcerUpgrade', { namespace: NAMESPACE, params: { id } })
          .catch(() => undefined);
        return got?.body.endTime ? got.body : undefined;
      },
      { within: 240_000 },
    );

  test('an install order that meets a live agent of another version has it replaced', async () => {
    const seen = await watched();
    const { store, clock } = stage.fleet.controlPlane().deps;
    const id = web.status()?.enforcer?.ID;
    const { items } = await store.list('enforcer', NamespacePath.parse(NAMESPACE), { limit: 10 });
    const enforcer = items.find(({ ID }) => ID === id);
    if (!enforcer) throw new Error('no enforcer');
    const now = clock.now();
    const task = {
      id: newObjectId(now, size => clock.randomBytes(size)),
      kind: 'install',
      version: '2.0.0',
      mode: 'keep-rules',
      probes: [],
      deadline: new Date(now.getTime() + 600_000).toISOString(),
    };
    const migration = Migration.parse({
      upgrade: task.id,
      batch: 0,
      state: 'Installing',
      from: '1.0.0',
      to: '2.0.0',
      task,
    });
    const object = touch('enforcer', { ...enforcer, migration }, now);
    await store.commit([{ kind: 'update', resource: 'enforcer', object, seen: enforcer.updateTime }]);
    await runs(web, '2.0.0');
    await web.left();
    const { delivered, refused, probes } = await seen.stop();
    console.log(
      `an install order at a live agent: ${probes} probes: ${delivered.length} forbidden delivered, ${refused.length} allowed refused`,
    );
    expect([delivered.slice(0, 5), refused.slice(0, 5)]).toEqual([[], []]);
    expect(versions()).toMatchObject({ web1: '2.0.0', db1: '1.0.0' });
  });

  test('a control plane that is killed in the middle and comes back later: the upgrade ends as it should', async () => {
    const { hostname, port } = new URL(stage.fleet.controlPlane().url);
    await stage.fleet.leave();
    const [node, ...flags] = NODE;
    const data = join(stage.fleet.place, 'data');
    const open = (): void => {
      const given = ['--data', data, '--host', hostname, '--port', port];
      child = spawn(node, [...flags, MAIN, ...given], { stdio: 'ignore', env: {} });
    };
    const answers = async (): Promise<true | undefined> =>
      (await fetch(`http://${hostname}:${port}/_meta/config`).catch(() => undefined))?.ok ? true : undefined;
    open();
    await until('the control plane', answers);
    const seen = await watched();
    const id = await begin('3.0.0', {});
    await until('a runner at work', () =>
      stage.hosts.some(host => host.log().includes('nothing is left')) ? true : undefined,
    );
    const killed = child;
    if (!killed) throw new Error('no control plane');
    const gone = once(killed, 'exit');
    killed.kill('SIGKILL');
    await gone;
    await wait(8000);
    open();
    await until('the control plane', answers);
    const { status, reason } = await ended(id);
    const { delivered, refused, probes, flows } = await seen.stop();
    console.log(
      `control plane killed and away: ${status}, ${probes} probes: ${delivered.length} forbidden delivered, ${refused.length} allowed refused`,
    );
    expect([status, reason]).toEqual(['Succeeded', '']);
    expect([delivered.slice(0, 5), refused.slice(0, 5)]).toEqual([[], []]);
    expect(flows.map(({ ended: end }) => end)).toEqual(flows.map(() => ''));
    expect(versions()).toMatchObject({ web1: '3.0.0', db1: '3.0.0' });
  });
});

import { readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { newObjectId, touch } from '../../../shared/core/object.ts';
import { NamespacePath } from '../../../shared/schema/ids.ts';
import { Migration } from '../../../shared/schema/migration.ts';
import { NAMESPACE } from '../fleet.ts';
import { until } from '../until.ts';
import { ALLOWED, FORBIDDEN, HEALTH, MEMBERS, settled, writePolicy } from './shop.ts';
import { mortal, openStage, SHORT_SOAK, type Stage } from './stage.ts';
import { openTraffic, type TrafficFlow } from './traffic.ts';

const HOSTS = ['web1', 'db1', 'db2', 'outside'];
const ADDRESSES = MEMBERS.filter(({ name }) => HOSTS.includes(name)).flatMap(({ addresses }) => addresses);
const between = ({ from, to }: { from: string; to: string }) =>
  [from, to].every(one => ADDRESSES.includes(one));

/** Tells its version, and ends as soon as it is to run. */
const STILLBORN = {
  'clients/enforcer/life/run.ts': (text: string) =>
    text.replace(
      'const log = openLog(settings.logLevel);',
      "const log = openLog('info'); if (log) throw new Error('born to die');",
    ),
};
/** Lets through what its policy rejects. */
const LENIENT = {
  'clients/enforcer/policy/loom.ts': (text: string) => text.replace("meaning.verdict === 'allow'", 'true'),
};

/** Counts rejected flows, which nothing here is judged by, for two seconds instead of ten. */
const BRIEF = {
  'clients/enforcer/runner/rejects.ts': (text: string) => text.replace('10_000', '2000'),
};
/** Waits for an order for seconds, where it would for minutes. */
const IMPATIENT = {
  'clients/enforcer/runner/steps.ts': (text: string) => text.replace('10 * 60_000', '15_000'),
};

const NOT_COME_TO = 'the upgrade ended before it came to it: it is RolledBack';
const reasonsOfSkipped = (hosts: readonly { state: string; reason?: string }[]): unknown[] =>
  hosts.filter(({ state }) => state === 'Skipped').map(({ reason }) => reason);

describe('releases that are no good', () => {
  let stage: Stage;
  let traffic: TrafficFlow | undefined;
  const list = (name: string) => join(tmpdir(), `kills-${process.pid}-${name}`);
  const KILLS = ['before undo', 'after undo', 'before confess', 'after confess'];

  beforeAll(async () => {
    stage = await openStage(
      MEMBERS.filter(({ name }) => HOSTS.includes(name)),
      [
        mortal({ version: '1.0.0', changed: { ...IMPATIENT, ...BRIEF } }),
        { version: '2.0.0', changed: STILLBORN },
        { version: '3.0.0', changed: { ...LENIENT, ...BRIEF } },
      ],
      { kills: list },
    );
    await writePolicy(stage.fleet);
    await settled(stage, between);
  });
  afterAll(async () => {
    await traffic?.close();
    await stage?.close();
  });

  const open = () =>
    openTraffic(stage.fleet, {
      allowed: ALLOWED.filter(between),
      forbidden: FORBIDDEN.filter(between),
      lasting: [{ from: 'web1', server: 'db1', to: '10.0.0.3', port: 80 }],
    });
  const hostsOf = async (id: string) =>
    (await stage.fleet.client.call('listUpgradeHosts', { namespace: NAMESPACE, params: { id } })).body;
  const versions = () => stage.hosts.map(host => host.status()?.version);
  const SPEC = {
    canary: 1,
    waves: 1,
    // Longer than the brief ones watch before they report.
    soak: process.env.SOAK ?? '15s',
    hostTimeout: '4m',
    failureThreshold: '0',
    healthProbe: HEALTH,
  };

  test('one that does not start: the former one is back by itself, also when the runner is killed', {
    timeout: 600_000,
  }, async () => {
    for (const { name } of stage.hosts) writeFileSync(list(name), `${KILLS.join('\n')}\n`);
    traffic = await open();
    const status = await stage.upgrade({ ...SPEC, targetVersion: '2.0.0', soak: SHORT_SOAK });
    for (const host of stage.hosts) await host.left();
    const { probes, delivered, refused, flows } = await traffic.stop();
    const hosts = await hostsOf(status.ID);
    console.log(
      `does not start: ${status.status}: ${hosts.map(({ name, state, reason }) => `${name} ${state} ${reason}`).join('; ')}; ` +
        `${probes} probes: ${delivered.length} forbidden delivered, ${refused.length} allowed refused`,
    );
    expect(status.status).toBe('RolledBack');
    expect(hosts.map(({ state }) => state).sort()).toEqual(['Restored', 'Skipped', 'Skipped']);
    expect(reasonsOfSkipped(hosts)).toEqual(Array(2).fill(NOT_COME_TO));
    expect(hosts.find(({ state }) => state === 'Restored')?.reason).toContain('born to die');
    expect(versions()).toEqual(['1.0.0', '1.0.0', '1.0.0']);
    expect([delivered.slice(0, 5), refused.slice(0, 5)]).toEqual([[], []]);
    expect(flows.map(({ ended }) => ended)).toEqual(['']);
    expect(
      stage.hosts.map(({ name }) => readFileSync(list(name), 'utf8')).filter(text => text === ''),
    ).toHaveLength(1);
  });

  test('one that breaks policy: the health gate catches it in the canary, and the others are left alone', {
    timeout: 600_000,
  }, async () => {
    for (const { name } of stage.hosts) writeFileSync(list(name), '');
    await traffic?.close();
    traffic = await open();
    const status = await stage.upgrade({ ...SPEC, targetVersion: '3.0.0' });
    await settled(stage, between);
    const { delivered, refused } = await traffic.stop();
    const hosts = await hostsOf(status.ID);
    const canary = hosts.find(({ state }) => state !== 'Skipped');
    console.log(
      `breaks policy: ${status.status}: ${hosts.map(({ name, state, reason }) => `${name} ${state} ${reason}`).join('; ')}; ` +
        `${delivered.length} forbidden delivered meanwhile, all with the canary at one end`,
    );
    expect(status.status).toBe('RolledBack');
    expect(canary?.reason).toContain('probes failed: outside');
    expect(reasonsOfSkipped(hosts)).toEqual(Array(2).fill(NOT_COME_TO));
    expect(versions()).toEqual(['1.0.0', '1.0.0', '1.0.0']);
    const own = MEMBERS.find(({ name }) => name === canary?.name)?.addresses[0] ?? '';
    expect(delivered.length).toBeGreaterThan(0);
    expect(delivered.filter(({ from, to }) => from !== own && to !== own)).toEqual([]);
    expect(refused.slice(0, 5)).toEqual([]);
  });

  test('an order that nothing follows: the former version comes back by itself', async () => {
    const { store, clock } = stage.fleet.controlPlane().deps;
    const [host] = stage.hosts;
    const id = host?.status()?.enforcer?.ID;
    const enforcer = (
      await store.list('enforcer', NamespacePath.parse(NAMESPACE), { limit: 100 })
    ).items.find(({ ID }) => ID === id);
    if (!host || !enforcer) throw new Error('no enforcer');
    const now = clock.now();
    const begun = host.status()?.startedAt;
    const directive = {
      id: newObjectId(now, size => clock.randomBytes(size)),
      kind: 'uninstall',
      version: '3.0.0',
      mode: 'keep-rules',
      probes: [],
      deadline: new Date(now.getTime() + 600_000).toISOString(),
    };
    const migration = Migration.parse({
      upgrade: directive.id,
      batch: 0,
      state: 'Uninstalling',
      from: '1.0.0',
      to: '3.0.0',
      task: directive,
    });
    const object = touch('enforcer', { ...enforcer, migration }, now);
    await store.commit([{ kind: 'update', resource: 'enforcer', object, seen: enforcer.updateTime }]);
    const isGone = async () => (host.log().includes('nothing is left of the agent') ? true : undefined);
    await until('the agent to be removed', isGone);
    expect(host.status()).toBeUndefined();
    const { run } = stage.fleet.network.host(host.name);
    const tables = () => run('nft', ['list', 'tables']);
    expect(await run('nft', ['list', 'table', 'inet', 'prisma_runner'])).toContain(
      `comment "held by the runner of directive ${directive.id}"`,
    );
    await until('the runner to hold the rules', () => (host.log().includes('await') ? true : undefined));
    const flushed = performance.now();
    await run('nft', ['flush', 'ruleset']);
    await until(
      'the rules',
      async () => ((await tables()).includes('inet prisma\n') ? true : undefined),
      // Before the agent comes back.
      { within: 10_000 },
    );
    console.log(
      `no agent, and a flush of all rules: they are back after ${Math.round(performance.now() - flushed)} ms`,
    );
    await until('the agent to come back', () =>
      host.status()?.active?.units && host.status()?.startedAt !== begun ? true : undefined,
    );
    expect(host.status()?.version).toBe('1.0.0');
    await host.left();
    await settled(stage, between);
  });
});

import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { enforcing, type Fleet, NAMESPACE, openFleet, type RealAgent } from './fleet.ts';
import { openProbes, type Probes, type Wanted } from './hosts/probes.ts';
import { openTalker, type Talker } from './hosts/talk.ts';
import { until } from './until.ts';

const tcp = (port: number) => ({ kind: 'ports', protocol: 6, port }) as const;
const ALLOWED: Wanted = { from: '10.0.0.1', to: '10.0.0.2', traffic: tcp(80) };
const FORBIDDEN: Wanted = { from: '10.0.0.1', to: '10.0.0.2', traffic: tcp(81) };

describe('the time before a host has its first policy', () => {
  let fleet: Fleet;
  let probes: Probes;
  let talkers: Talker[];
  let db: RealAgent | undefined;

  beforeAll(async () => {
    fleet = await openFleet([
      { name: 'web', addresses: ['10.0.0.1'], tags: ['app=web'] },
      { name: 'db', addresses: ['10.0.0.2'], tags: ['app=db'] },
    ]);
    probes = await openProbes(fleet.network);
    await fleet.client.call('createExternalnetwork', {
      namespace: NAMESPACE,
      body: { name: 'web', entries: ['10.0.0.1/32'], associatedTags: ['externalnetwork:name=web'] },
    });
    await fleet.client.call('createNetworkrulesetpolicy', {
      namespace: NAMESPACE,
      body: {
        name: 'db',
        subject: [['app=db']],
        incomingRules: [
          { action: 'Allow', object: [['externalnetwork:name=web']], protocolPorts: ['tcp/80'] },
        ],
      },
    });
    talkers = [await openTalker(fleet.network.host('web')), await openTalker(fleet.network.host('db'))];
    for (const port of [90, 91]) await talkers[1]?.ask({ kind: 'listen', port });
  });
  beforeEach(() => fleet.comeBack());
  afterEach(async () => {
    await db?.kill('SIGKILL');
    for (const program of ['nft', 'conntrack'])
      await fleet.network
        .host('db')
        .run(program, program === 'nft' ? ['flush', 'ruleset'] : ['-F'])
        .catch(() => undefined);
    fleet.forget('db');
  });
  afterAll(async () => {
    for (const talker of talkers ?? []) await talker.close();
    await probes?.close();
    await fleet?.close();
  });

  /** To these ports the two get through now, and to no others. */
  const expectOpen = async (expected: readonly number[]): Promise<void> => {
    const ports = [80, 81];
    const seen = await probes.send([ALLOWED, FORBIDDEN], at => ({
      arrived: expected.includes(ports[at] ?? 0),
    }));
    expect(ports.filter((_, at) => seen[at]?.arrived)).toEqual(expected);
  };

  /** Probes without a pause while something goes on: when what was forbidden last got through, and when it was told. */
  async function watched(work: () => Promise<void>) {
    const arrived: number[] = [];
    let isOn = true;
    const probing = (async () => {
      while (isOn) {
        const at = performance.now();
        const [seen] = await probes.send([FORBIDDEN], () => ({ arrived: true }), { patience: 20, grace: 5 });
        if (seen?.arrived) arrived.push(at);
      }
    })();
    let told = 0;
    try {
      await work();
      told = performance.now();
      await wait(300);
    } finally {
      isOn = false;
      await probing;
    }
    return { before: arrived.filter(at => at < told).length, after: arrived.filter(at => at >= told).length };
  }

  test('allow: the host is as it was until the policy holds whole, and flows from before end with it', async () => {
    await talkers[0]?.ask({ kind: 'open', protocol: 'tcp', to: '10.0.0.2', port: 90, every: 10 });
    await expectOpen([80, 81]);
    const begun = performance.now();
    let took = 0;
    const { before, after } = await watched(async () => {
      db = await fleet.start('db');
      await enforcing(db);
      took = performance.now() - begun;
    });
    console.log(
      `first start: undecided for ${Math.round(took)} ms from the start of the process, ` +
        `${before} forbidden probes got through in it, ${after} after it`,
    );
    expect(before).toBeGreaterThan(0);
    expect(after).toBe(0);
    await expectOpen([80]);
    const [flow] = (await talkers[0]?.ask({ kind: 'report' })) ?? [];
    await wait(200);
    const [later] = (await talkers[0]?.ask({ kind: 'report' })) ?? [];
    expect((later?.echoed ?? 0) - (flow?.echoed ?? 0)).toBe(0);
    await talkers[0]?.ask({ kind: 'stop' });
  });

  test('reject: nothing passes from the first word of the agent on, and the policy comes through', async () => {
    await fleet.leave();
    db = await fleet.start('db', '--before-policy', 'reject');
    await until('the lockdown', () => (db?.status()?.before === 'reject' ? true : undefined));
    await expectOpen([]);
    const { before, after } = await watched(async () => {
      await fleet.comeBack();
      if (db) await enforcing(db);
    });
    expect([before, after]).toEqual([0, 0]);
    await expectOpen([80]);
  });

  test('reject: the boot unit shuts the host before the network is up, and the agent opens it', async () => {
    const host = fleet.network.host('db');
    const said = await fleet.command(host, 'boot', '--state', '/nowhere', '--before-policy', 'reject');
    expect(said).toBe('nothing is kept on disk yet; nothing passes but what leads to a policy\n');
    await expectOpen([]);
    const { before, after } = await watched(async () => {
      db = await fleet.start('db', '--before-policy', 'reject');
      await enforcing(db);
    });
    expect([before, after]).toEqual([0, 0]);
    await expectOpen([80]);
  });

  test('allow: the boot unit leaves a host alone that has no policy yet', async () => {
    const said = await fleet.command(fleet.network.host('db'), 'boot', '--state', '/nowhere');
    expect(said).toBe('nothing is kept on disk yet\n');
    await expectOpen([80, 81]);
  });
});

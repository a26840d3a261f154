import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { LOOK } from '../../clients/enforcer/flows/flows.ts';
import type { FlowReport } from '../../shared/schema/flowreport.ts';
import { enforcing, type Fleet, NAMESPACE, openFleet, type RealAgent, recording } from './fleet.ts';
import { openProbes, type Probes } from './hosts/probes.ts';
import { until } from './until.ts';

const tcp = (port: number) => ({ kind: 'ports', protocol: 6, port }) as const;
const WEB = '10.0.0.1';
const DB = '10.0.0.2';
const OUTSIDE = '198.51.100.7';

describe('flow records of real packets', () => {
  let fleet: Fleet;
  let probes: Probes;
  let agents: { web: RealAgent; db: RealAgent };
  const ids = new Map<string, string>();

  /** What has arrived at the control plane from an agent. */
  const arrived = async (agent: RealAgent): Promise<FlowReport[]> => {
    const query = { startRelative: '-1h', limit: 10_000 };
    const { body } = await fleet.client.call('listFlowReports', { namespace: NAMESPACE, query });
    return body.filter(({ enforcerID }) => enforcerID === agent.status()?.enforcer?.ID);
  };
  /** Oldest first. */
  const about = async (agent: RealAgent, port: number): Promise<FlowReport[]> =>
    (await arrived(agent)).filter(({ destinationPort }) => destinationPort === port).toReversed();
  const counted = async (agent: RealAgent, port: number): Promise<number> => count(await about(agent, port));
  const count = (reports: readonly FlowReport[]): number =>
    reports.reduce((sum, { value }) => sum + value, 0);

  async function send(
    from: string,
    port: number,
    number: number,
    arrived: number,
    times: { patience?: number } = {},
  ): Promise<number> {
    const many = Array.from({ length: number }, () => ({ from, to: DB, traffic: tcp(port) }));
    const seen = await probes.send(many, () => ({ arrived: arrived > 0 }), times);
    return seen.filter(one => one.arrived).length;
  }

  beforeAll(async () => {
    fleet = await openFleet([
      { name: 'web', addresses: [WEB], tags: ['app=web'] },
      { name: 'db', addresses: [DB], tags: ['app=db'] },
      { name: 'outside', addresses: [OUTSIDE], tags: [] },
    ]);
    probes = await openProbes(fleet.network);
    const { client } = fleet;
    const rule = (object: string, port: number, more = {}) => ({
      action: 'Allow',
      object: [[object]],
      protocolPorts: [`tcp/${port}`],
      ...more,
    });
    const network = await client.call('createExternalnetwork', {
      namespace: NAMESPACE,
      body: { name: 'out', entries: [`${OUTSIDE}/32`], associatedTags: ['externalnetwork:name=out'] },
    });
    ids.set('out', network.body.ID);
    const ruleset = await client.call('createNetworkrulesetpolicy', {
      namespace: NAMESPACE,
      body: {
        name: 'shop',
        subject: [['app=web'], ['app=db']],
        incomingRules: [
          rule('app=web', 80, { name: 'shop-in' }),
          rule('externalnetwork:name=out', 443),
          rule('app=web', 82, { observationEnabled: true }),
          rule('app=web', 83),
        ],
        outgoingRules: [80, 81, 82, 83].map(port => rule('app=db', port)),
      },
    });
    ids.set('shop', ruleset.body.ID);
    const flags = ['--flow-interval', '1'];
    agents = {
      web: await fleet.start('web', ...flags),
      db: await fleet.start('db', ...flags, '--connection-totals'),
    };
    await Promise.all([enforcing(agents.web), enforcing(agents.db)]);
    await until('the wire to agree', async () => (await send(WEB, 80, 1, 1, { patience: 500 })) === 1);
    for (const { ID, name } of (await client.call('listProcessingunit', { namespace: NAMESPACE })).body)
      ids.set(name, ID);
    await Promise.all([recording(agents.web), recording(agents.db)]);
  });

  afterAll(async () => {
    await probes?.close();
    await fleet?.close();
  });

  test('an allowed flow is told by both ends, with unit, rule and number', async () => {
    const before = { web: await counted(agents.web, 80), db: await counted(agents.db, 80) };
    expect(await send(WEB, 80, 20, 20)).toBe(20);
    await until('the sender’s 20', async () =>
      (await counted(agents.web, 80)) >= before.web + 20 ? true : undefined,
    );
    await until('the receiver’s 20', async () =>
      (await counted(agents.db, 80)) >= before.db + 20 ? true : undefined,
    );
    const ends = { sourceID: ids.get('web'), sourceIP: WEB, destinationID: ids.get('db'), destinationIP: DB };
    const types = { sourceType: 'ProcessingUnit', destinationType: 'ProcessingUnit', protocol: 6 };
    const common = {
      ...ends,
      ...types,
      action: 'Accept',
      policyID: ids.get('shop'),
      policyNamespace: NAMESPACE,
    };
    expect((await about(agents.web, 80)).at(-1)).toMatchObject({
      ...common,
      namespace: NAMESPACE,
      observed: false,
      reporter: 'Source',
    });
    expect((await about(agents.db, 80)).at(-1)).toMatchObject({
      ...common,
      ruleName: 'shop-in',
      observedAction: 'NotApplicable',
      reporter: 'Destination',
    });
  });

  test('a flow that one end rejects is told as it went at each end', async () => {
    expect(await send(WEB, 81, 10, 0)).toBe(0);
    await until('10', async () => ((await counted(agents.db, 81)) === 10 ? true : undefined));
    expect((await about(agents.db, 81))[0]).toMatchObject({
      action: 'Reject',
      policyID: 'default',
      dropReason: 'policy',
    });
    await until('10', async () => ((await counted(agents.web, 81)) === 10 ? true : undefined));
    expect((await about(agents.web, 81))[0]).toMatchObject({ action: 'Accept', policyID: ids.get('shop') });
  });

  test('what an observed rule would have done is told beside what was done', async () => {
    expect(await send(WEB, 82, 5, 0)).toBe(0);
    await until('5', async () => ((await counted(agents.db, 82)) === 5 ? true : undefined));
    expect((await about(agents.db, 82))[0]).toMatchObject({
      action: 'Reject',
      observed: true,
      observedAction: 'Accept',
      observedPolicyID: ids.get('shop'),
    });
  });

  test('connections that end are counted where that was asked for, and nowhere else', async () => {
    const totals = ({ status }: RealAgent) => status()?.flows?.connections;
    const before = totals(agents.db) ?? { ended: 0, bytes: 0 };
    expect(await send(WEB, 80, 5, 5)).toBe(5);
    const after = await until('the ends', () => {
      const now = totals(agents.db);
      return now && now.ended >= before.ended + 5 ? now : undefined;
    });
    expect(after.bytes).toBeGreaterThan(before.bytes);
    expect(totals(agents.web)).toBeUndefined();
  });

  test('an external network is told by its ID, and who is nobody’s as somewhere', async () => {
    expect(await send(OUTSIDE, 443, 3, 3)).toBe(3);
    await until('3', async () => ((await counted(agents.db, 443)) === 3 ? true : undefined));
    expect((await about(agents.db, 443))[0]).toMatchObject({
      sourceID: ids.get('out'),
      sourceType: 'ExternalNetwork',
      action: 'Accept',
    });
  });

  test('what was seen while the control plane was away arrives when it is back, once', async () => {
    // To a port of its own: what was sent to others may not have arrived yet.
    await fleet.leave();
    for (let round = 0; round < 5; round++) {
      expect(await send(WEB, 83, 10, 10)).toBe(10);
      await wait(1500);
    }
    const waiting = () => readdirSync(join(agents.db.folder, 'flows/spool')).length;
    await until('reports on disk', () => waiting() > 0);
    await fleet.comeBack();
    await until('all 50', async () => (await counted(agents.db, 83)) === 50);
    await until('an empty spool', () => waiting() === 0);
    expect(await counted(agents.db, 83)).toBe(50);
  });

  /** The agent looks at its counters within a fifth of its interval, and knows at the second look what it has missed. */
  const TWO_LOOKS = 2.5 * LOOK.interval;

  test('kill -9 of tcpdump: it is started again, and no record is lost silently', async () => {
    await wait(TWO_LOOKS);
    const pid = Number(readFileSync(join(agents.db.folder, 'flows/tcpdump.pid'), 'utf8'));
    const before = { told: await counted(agents.db, 80), lost: agents.db.status()?.flows?.unrecorded ?? 0 };
    process.kill(pid, 'SIGKILL');
    expect(await send(WEB, 80, 200, 200)).toBe(200);
    const told = async () => (await counted(agents.db, 80)) - before.told;
    const lost = () => (agents.db.status()?.flows?.unrecorded ?? 0) - before.lost;
    const sums = async () => `${await told()} told, ${lost()} reported as not recorded`;
    await until(
      'every flow to be told or counted as lost',
      async () => ((await told()) + lost() === 200 ? true : undefined),
      { instead: sums },
    );
    console.log(`kill -9 of tcpdump amid 200 flows: ${await sums()}`);
    // The status is as old as its last news, or ten seconds.
    const restarts = () => agents.db.status()?.flows?.restarts ?? 0;
    await until('the new reader to be told', () => restarts() > 0);
    expect(restarts()).toBe(1);
    const after = await told();
    expect(await send(WEB, 80, 5, 5)).toBe(5);
    await until('the next records', async () => ((await told()) === after + 5 ? true : undefined));
  });
});

import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { hostUnit } from '../../clients/enforcer/agent/units.ts';
import { openDataPlane } from '../../clients/enforcer/nft/plane.ts';
import { type Network, openNetwork } from '../../local/hosts/network.ts';
import { NAMESPACE, openStage, type Running, type Stage } from '../clients/enforcer/agent/stage.ts';
import { openProbes, type Probes } from './hosts/probes.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const WEB = '10.0.0.1';
const DB = '10.0.0.2';

let network: Network;
let probes: Probes;
let stage: Stage;

beforeAll(async () => {
  network = await openNetwork([
    { name: 'web', addresses: [WEB] },
    { name: 'db', addresses: [DB] },
  ]);
  probes = await openProbes(network);
});
afterAll(async () => {
  await probes?.close();
  await network?.close();
});
beforeEach(async () => {
  stage = await openStage();
  stage.units = [hostUnit({ name: 'db', fqdn: 'db.test', addresses: [DB], tags: ['app=db'] })];
});
afterEach(async () => {
  await stage.close();
  await network.host('db').run('nft', ['flush', 'ruleset']);
});

/** Of ports 80 and 81, a SYN gets through to these. */
async function expectOpen(expected: readonly number[]): Promise<void> {
  const ports = [80, 81];
  const wanted = ports.map(port => ({
    from: WEB,
    to: DB,
    traffic: { kind: 'ports', protocol: 6, port } as const,
  }));
  const seen = await probes.send(wanted, at => ({ arrived: expected.includes(ports[at] ?? 0) }));
  expect(ports.filter((_, at) => seen[at]?.arrived)).toEqual(expected);
}

async function policy(staleAction: 'hold' | 'lockdown'): Promise<void> {
  const { client } = stage;
  await client.call('createEnforcerprofile', {
    namespace: NAMESPACE,
    body: { name: 'p', associatedTags: ['profile=p'], staleAction, maxStale: '24h' },
  });
  await client.call('createEnforcerprofilemappingpolicy', {
    namespace: NAMESPACE,
    body: { name: 'm', subject: [['$identity=enforcer']], object: [['profile=p']] },
  });
  await client.call('createExternalnetwork', {
    namespace: NAMESPACE,
    body: { name: 'web', entries: [`${WEB}/32`], associatedTags: ['externalnetwork:name=web'] },
  });
  await client.call('createNetworkrulesetpolicy', {
    namespace: NAMESPACE,
    body: {
      name: 'db',
      subject: [['app=db']],
      incomingRules: [{ action: 'Allow', object: [['externalnetwork:name=web']], protocolPorts: ['tcp/80'] }],
    },
  });
}

const troubles = ({ agent }: Running) => agent.status.troubles;

/** Hours pass, each with a poll in vain: the agent weighs the age of what it has after each of them. */
async function passTo(time: number, running: Running): Promise<void> {
  const { clock } = stage;
  const left = () => time - clock.now().getTime();
  while (left() > HOUR) await clock.leap(HOUR);
  await clock.leap(left());
  // Longer than it ever waits between polls.
  await clock.leap(20 * MINUTE);
  expect(Date.parse(troubles(running).polling?.at ?? '')).toBe(clock.now().getTime());
}

const active = ({ agent }: Running) => agent.holding.active;

test.each(['hold', 'lockdown'] as const)(
  'the control plane is away for two days; the profile says %s, and the wire shows it',
  async action => {
    await policy(action);
    const plane = openDataPlane({ command: [...network.host('db').enter, 'nft'] });
    const running = stage.start({ plane, interval: 10 * MINUTE });
    await stage.until(
      'the policy with profile and unit',
      () => active(running)?.profile === 'p' && active(running)?.units.length === 1,
      60_000,
    );
    await expectOpen([80]);
    await stage.leave();
    const end = running.agent.holding.freshness.expires?.getTime() ?? 0;
    await passTo(end - HOUR, running);
    expect(Object.keys(troubles(running))).not.toContain('stale');
    await expectOpen([80]);
    await passTo(end + HOUR, running);
    expect(Object.keys(troubles(running))).toContain('stale');
    await expectOpen([80]);
    await passTo(end + 25 * HOUR, running);
    expect(active(running)?.lockdown).toBe(action === 'lockdown');
    await expectOpen(action === 'lockdown' ? [] : [80]);
    await stage.comeBack();
    await stage.until('a fresh bundle', () => running.agent.holding.freshness.staleFor === 0, 600_000);
    await stage.until('the end of it', () => active(running)?.lockdown === false, 60_000);
    await expectOpen([80]);
  },
);

test.each([
  ['back', -3, 'lockdown', [80]],
  ['forward', 3, 'hold', [80]],
  ['forward', 3, 'lockdown', []],
] as const)(
  'the wall clock is set %s by %i days; the profile says %s: ports %j are open, and all is well when it is right',
  async (_, days, action, ports) => {
    await policy(action);
    const plane = openDataPlane({ command: [...network.host('db').enter, 'nft'] });
    const running = stage.start({ plane });
    await stage.until(
      'the policy with profile and unit',
      () => active(running)?.profile === 'p' && active(running)?.units.length === 1,
    );
    await expectOpen([80]);
    stage.clock.jump(days * 24 * HOUR);
    if (ports.length === 0) await stage.until('the lockdown', () => active(running)?.lockdown === true);
    for (let round = 0; round < 20; round++) await stage.clock.pass(1000);
    await expectOpen(ports);
    stage.clock.jump(-days * 24 * HOUR);
    await stage.until('the end of it', () => active(running)?.lockdown === false);
    await expectOpen([80]);
    const revision = active(running)?.content.revision ?? 0;
    await stage.client.call('createExternalnetwork', {
      namespace: NAMESPACE,
      body: { name: 'more', entries: ['192.0.2.0/24'], associatedTags: ['externalnetwork:name=more'] },
    });
    await stage.until('the next revision', () => (active(running)?.content.revision ?? 0) > revision);
  },
);

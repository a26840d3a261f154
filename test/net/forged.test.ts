import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { DataPlane } from '../../clients/enforcer/data-plane.ts';
import { type HostPlan, type Network, openNetwork } from '../../local/hosts/network.ts';
import type { Traffic } from '../../shared/core/ports.ts';
import { type Entry, make, makeNamespace, pathOf, viewOf } from '../core/objects.ts';
import { hostPolicy, localUnit, planeOf } from './hosts/plane.ts';
import { openProbes, type Probes, type Wanted } from './hosts/probes.ts';

/* A hostile container, or a hostile host on the same network, says that it is somebody else. */

const PATH = pathOf('/node');
const PLANS: readonly HostPlan[] = [
  { name: 'node', addresses: ['10.1.0.1', '2001:db8::1'] },
  { name: 'good', addresses: ['10.1.0.2', '2001:db8::2'], behind: 'node' },
  { name: 'evil', addresses: ['10.1.0.3', '2001:db8::3'], behind: 'node' },
  { name: 'db', addresses: ['10.1.0.4', '2001:db8::4'] },
];
const udp: Traffic = { kind: 'ports', protocol: 17, port: 5432 };

const unit = (number: number, name: string) =>
  make('processingunit', PATH, number, {
    name,
    type: name === 'node' ? 'Host' : 'Docker',
    associatedTags: [`app=${name}`],
    addresses: PLANS.find(plan => plan.name === name)?.addresses ?? [],
  });
const UNITS = [unit(1, 'node'), unit(2, 'good'), unit(3, 'evil')];
const ENTRIES: readonly Entry[] = [
  { identity: 'namespace', object: makeNamespace(PATH, 10) },
  ...UNITS.map((object): Entry => ({ identity: 'processingunit', object })),
  {
    identity: 'externalnetwork',
    object: make('externalnetwork', PATH, 20, {
      entries: ['10.1.0.4/32', '2001:db8::4/128'],
      associatedTags: ['net=db'],
    }),
  },
  {
    identity: 'networkrulesetpolicy',
    object: make('networkrulesetpolicy', PATH, 30, {
      subject: [['app=good']],
      outgoingRules: [{ action: 'Allow', object: [['net=db'], ['app=evil']], protocolPorts: ['udp/5432'] }],
    }),
  },
  {
    identity: 'networkrulesetpolicy',
    object: make('networkrulesetpolicy', PATH, 31, {
      subject: [['app=evil']],
      incomingRules: [{ action: 'Allow', object: [['app=good']], protocolPorts: ['udp/5432'] }],
    }),
  },
];

describe('forged addresses', () => {
  let network: Network;
  let probes: Probes;
  let plane: DataPlane;

  beforeAll(async () => {
    network = await openNetwork(PLANS);
    probes = await openProbes(network);
    for (const key of ['all', 'default', 'eth0', 'port1', 'port2'])
      await network
        .host('node')
        .run('sysctl', ['-q', '-w', `net.ipv4.conf.${key}.rp_filter=0`])
        .catch(() => undefined);
    plane = planeOf(network.host('node'));
    // Whoever meets for the first time has to find the other one first.
    await arrive([...pairs(4), ...pairs(3)], 3000);
  });
  afterAll(async () => {
    await probes?.close();
    await network?.close();
  });

  const [FOUR, SIX] = ['10.1.0.', '2001:db8::'] as const;
  const pairs = (to: number, by?: number, sourcePort?: number): Wanted[] =>
    [FOUR, SIX].map(prefix => ({
      from: `${prefix}2`,
      to: `${prefix}${to}`,
      traffic: udp,
      ...(by === undefined ? {} : { by: `${prefix}${by}` }),
      ...(sourcePort === undefined ? {} : { sourcePort }),
    }));
  const arrive = async (wanted: Wanted[], patience = 500): Promise<boolean[]> =>
    (await probes.send(wanted, () => ({ arrived: true }), { patience })).map(({ arrived }) => arrived);

  test('without rules they arrive, so that this is no gift of the kernel', async () => {
    expect(await arrive(pairs(4))).toEqual([true, true]);
    expect(await arrive(pairs(4, 3))).toEqual([true, true]);
    expect(await arrive(pairs(3, 4))).toEqual([true, true]);
  });

  test('a unit’s address counts only where the unit is', async () => {
    const units = UNITS.map(localUnit);
    const applied = await plane.apply(hostPolicy(viewOf(ENTRIES), PATH, { units }));
    expect(applied).toMatchObject({ outcome: 'applied' });
    expect(await arrive(pairs(4)), 'good itself').toEqual([true, true]);
    expect(await arrive(pairs(3)), 'good to evil').toEqual([true, true]);
    expect(await arrive(pairs(4, 3)), 'evil as good, to db').toEqual([false, false]);
    expect(await arrive(pairs(3, 4)), 'db as good, to evil').toEqual([false, false]);
    // Nor in a connection that good has opened, and that db has answered.
    const answers = [FOUR, SIX].map(
      (prefix): Wanted => ({
        from: `${prefix}4`,
        to: `${prefix}2`,
        traffic: { kind: 'ports', protocol: 17, port: 7777 },
        sourcePort: 5432,
      }),
    );
    expect(await arrive(pairs(4, undefined, 7777)), 'good itself').toEqual([true, true]);
    expect(await arrive(answers), 'db’s answer').toEqual([true, true]);
    expect(await arrive(pairs(4, 3, 7777)), 'evil in what good began').toEqual([false, false]);
    expect(await arrive(pairs(4, undefined, 7777)), 'good goes on').toEqual([true, true]);
  });
});

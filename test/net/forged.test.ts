import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { DataPlane } from '../../clients/enforcer/data-plane.ts';
import { type HostPlan, type Network, openNetwork } from '../../local/hosts/network.ts';
import type { Traffic } from '../../shared/core/ports.ts';
import { allow, externalNetwork, nodePolicy, ruleset } from './hosts/node.ts';
import { planeOf } from './hosts/plane.ts';
import { openProbes, type Probes, type Wanted } from './hosts/probes.ts';

/* A hostile container, or a hostile host on the same network, says that it is somebody else. */

const PLANS: readonly HostPlan[] = [
  { name: 'node', addresses: ['10.1.0.1', '2001:db8::1'] },
  { name: 'good', addresses: ['10.1.0.2', '2001:db8::2'], behind: 'node' },
  { name: 'evil', addresses: ['10.1.0.3', '2001:db8::3'], behind: 'node' },
  { name: 'db', addresses: ['10.1.0.4', '2001:db8::4'] },
];
const udp: Traffic = { kind: 'ports', protocol: 17, port: 5432 };

const ENTRIES = [
  externalNetwork(20, 'net=db', '10.1.0.4/32', '2001:db8::4/128'),
  ruleset(30, ['good'], { outgoingRules: [allow('net=db', 'udp/5432'), allow('app=evil', 'udp/5432')] }),
  ruleset(31, ['evil'], { incomingRules: [allow('app=good', 'udp/5432')] }),
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
    await arrive([...pairs(4), ...pairs(3)], true);
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
  /** All of these arrive, or none. */
  const arrive = async (wanted: Wanted[], arrived: boolean, what = ''): Promise<void> => {
    const seen = await probes.send(wanted, () => ({ arrived }));
    expect(
      seen.map(one => one.arrived),
      what,
    ).toEqual(wanted.map(() => arrived));
  };

  test('without rules they arrive, so that this is no gift of the kernel', async () => {
    await arrive(pairs(4), true);
    await arrive(pairs(4, 3), true);
    await arrive(pairs(3, 4), true);
  });

  test('a unit’s address counts only where the unit is', async () => {
    expect(await plane.apply(nodePolicy(PLANS, ENTRIES))).toMatchObject({ outcome: 'applied' });
    await arrive(pairs(4), true, 'good itself');
    await arrive(pairs(3), true, 'good to evil');
    await arrive(pairs(4, 3), false, 'evil as good, to db');
    await arrive(pairs(3, 4), false, 'db as good, to evil');
    // Nor in a connection that good has opened, and that db has answered.
    const answers = [FOUR, SIX].map(
      (prefix): Wanted => ({
        from: `${prefix}4`,
        to: `${prefix}2`,
        traffic: { kind: 'ports', protocol: 17, port: 7777 },
        sourcePort: 5432,
      }),
    );
    await arrive(pairs(4, undefined, 7777), true, 'good itself');
    await arrive(answers, true, 'db’s answer');
    await arrive(pairs(4, 3, 7777), false, 'evil in what good began');
    await arrive(pairs(4, undefined, 7777), true, 'good goes on');
  });
});

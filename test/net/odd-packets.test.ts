import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { DataPlane } from '../../clients/enforcer/data-plane.ts';
import { type HostPlan, type Network, openNetwork } from '../../local/hosts/network.ts';
import type { Traffic } from '../../shared/core/ports.ts';
import { allow, externalNetwork, nodePolicy, ruleset } from './hosts/node.ts';
import { planeOf } from './hosts/plane.ts';
import { openProbes, type Probes, type Wanted } from './hosts/probes.ts';

/* Packets that pretend to be what is never shut out, or that other tables of the host make into something else. */

const PLANS: readonly HostPlan[] = [
  { name: 'node', addresses: ['10.1.0.1', '2001:db8::1'] },
  { name: 'pod', addresses: ['10.1.0.2', '2001:db8::2'], behind: 'node' },
  { name: 'other', addresses: ['10.1.0.9', '2001:db8::9'] },
];
const [NODE, POD, OTHER] = [1, 2, 9].map(at => ({ four: `10.1.0.${at}`, six: `2001:db8::${at}` })) as [
  { four: string; six: string },
  { four: string; six: string },
  { four: string; six: string },
];

const ADDRESSES = externalNetwork(20, 'net=other', `${OTHER.four}/32`, `${OTHER.six}/128`);
const RULES = [
  ruleset(30, ['node'], {
    incomingRules: [allow('app=node', 'udp/5432')],
    outgoingRules: [allow('net=other', 'udp/777'), allow('app=pod', 'udp/778')],
  }),
  ruleset(31, ['pod'], { incomingRules: [allow('app=node', 'udp/778', 'udp/5432')] }),
];
const POLICY = nodePolicy(PLANS, [ADDRESSES, ...RULES]);

const udp = (port: number): Traffic => ({ kind: 'ports', protocol: 17, port });
const icmp6 = (type: number): Traffic => ({ kind: 'icmp', protocol: 58, type, code: 0 });

/** As Docker publishes ports, of containers here and of another host, to whoever is on this very host. */
const PUBLISHED = `table ip published {
  chain out {
    type nat hook output priority -100;
    ip daddr ${NODE.four} udp dport 8099 dnat to ${OTHER.four}:99
    ip daddr ${NODE.four} udp dport 8777 dnat to ${OTHER.four}:777
    ip daddr ${NODE.four} udp dport 8098 dnat to ${POD.four}:99
    ip daddr ${NODE.four} udp dport 8778 dnat to ${POD.four}:778
    ip daddr ${NODE.four} udp dport 8080 redirect to 8081
  }
}
`;

/** As hosts with more than one uplink number the connections of each. */
const NUMBERED = (mark: string): string => `table ip uplinks {
  chain in {
    type filter hook prerouting priority -150;
    ct mark set ${mark}
  }
  chain out {
    type filter hook output priority -150;
    ct mark set ${mark}
  }
}
`;

describe('odd packets', () => {
  let network: Network;
  let probes: Probes;
  let plane: DataPlane;

  beforeAll(async () => {
    network = await openNetwork(PLANS);
    probes = await openProbes(network);
    plane = planeOf(network.host('node'));
    // Whoever meets for the first time has to find the other one first.
    const everybody = [NODE, POD, OTHER].flatMap(({ four, six }) => [four, six]);
    const pairs = everybody.flatMap(from =>
      everybody
        .filter(to => to !== from && to.includes(':') === from.includes(':'))
        .map(to => ({ from, to })),
    );
    const met = pairs.map(pair => ({ ...pair, traffic: udp(1) }));
    await arrive(met, true);
    expect(await plane.apply(POLICY)).toMatchObject({ outcome: 'applied' });
  });
  afterAll(async () => {
    await probes?.close();
    await network?.close();
  });

  /** All of these arrive, or none. */
  const arrive = async (wanted: readonly Wanted[], arrived: boolean, what = ''): Promise<void> => {
    const seen = await probes.send(wanted, () => ({ arrived }));
    const others = wanted.filter((_, at) => seen[at]?.arrived !== arrived);
    expect(others, what).toEqual([]);
  };
  const nft = (text: string) => network.host('node').run('nft', ['-f', '-'], text);

  /** Both ways between the host and another one. */
  const bothWays = (traffic: Traffic, rest: Partial<Wanted> = {}): Wanted[] => [
    { from: OTHER.six, to: NODE.six, traffic, ...rest },
    { from: NODE.six, to: OTHER.six, traffic, ...rest },
  ];

  test('neighbour discovery is let through as routers leave it: not at all', async () => {
    for (const type of [133, 134, 135, 136, 141, 142]) {
      await arrive(bothWays(icmp6(type), { hops: 64 }), false, `type ${type}, routed`);
      await arrive(bothWays(icmp6(type), { hops: 255 }), true, `type ${type}`);
    }
  });

  test('switches are told who listens to a group, and nobody further away can ask or tell', async () => {
    const link = (by: string, to: string) => ({ from: 'fe80::77', by, to });
    for (const type of [130, 131, 132, 143]) {
      const onLink = [link(OTHER.six, NODE.six), link(NODE.six, OTHER.six)].map(ends => ({
        ...ends,
        traffic: icmp6(type),
        hops: 1,
      }));
      await arrive(onLink, true, `type ${type}`);
      await arrive(bothWays(icmp6(type), { hops: 64 }), false, `type ${type}, routed`);
    }
  });

  test('leases come in their own family, and in IPv6 from the link', async () => {
    const from = (source: string, to: string, sourcePort: number, port: number): Wanted => ({
      from: source,
      by: to.includes(':') ? OTHER.six : OTHER.four,
      to,
      sourcePort,
      traffic: udp(port),
    });
    await arrive([from(OTHER.four, NODE.four, 67, 68), from('fe80::77', NODE.six, 547, 546)], true);
    await arrive(
      [
        from(OTHER.six, NODE.six, 67, 68),
        from(OTHER.four, NODE.four, 547, 546),
        from(OTHER.six, NODE.six, 547, 546),
      ],
      false,
    );
  });

  test('the host’s own addresses count only on the host itself', async () => {
    const traffic = udp(5432);
    await arrive([{ from: NODE.six, to: NODE.six, traffic }], true, 'the host itself');
    await arrive([{ from: NODE.six, to: POD.six, traffic: udp(778) }], true, 'to its unit');
    for (const to of [NODE.six, POD.six])
      await arrive([{ from: NODE.six, by: OTHER.six, to, traffic }], false, `somebody else to ${to}`);
  });

  test('what is translated on its way to the host itself is decided by where it goes', async () => {
    await nft(PUBLISHED);
    const own = (port: number, arrivesAt: string): Wanted => ({
      from: NODE.four,
      to: NODE.four,
      arrivesAt,
      traffic: udp(port),
    });
    await arrive([own(8777, OTHER.four), own(8778, POD.four), own(8080, NODE.four)], true);
    await arrive([own(8099, OTHER.four), own(8098, POD.four)], false);
    await nft('delete table ip published\n');
  });

  test('rules that were taken away and come back decide connections of before anew', async () => {
    const flow = { from: NODE.four, to: OTHER.four, traffic: udp(777), sourcePort: 7000 };
    const shut = nodePolicy(PLANS, [ADDRESSES]);
    for (let times = 0; times < 3; times++) {
      await arrive([flow], true);
      await plane.remove();
      plane = planeOf(network.host('node'));
      await plane.apply(shut);
      await arrive([flow], false);
      await plane.remove();
      plane = planeOf(network.host('node'));
      await plane.apply(POLICY);
    }
  });

  test.each(['0x1', '0x2', '0x10001', '0x80', '0x100', '0x4000', '0x40004000'])(
    'connections that others number %s are not taken for those that were let through',
    async mark => {
      await nft(NUMBERED(mark));
      const wanted: Wanted[] = [
        { from: OTHER.four, to: NODE.four, traffic: udp(99) },
        { from: NODE.four, to: OTHER.four, traffic: udp(99) },
        { from: OTHER.four, to: POD.four, traffic: udp(99) },
      ];
      await arrive(wanted, false);
      await arrive([{ from: NODE.four, to: OTHER.four, traffic: udp(777) }], true);
      await nft('delete table ip uplinks\n');
    },
  );
});

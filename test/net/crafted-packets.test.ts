import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type HostPlan, type Network, openNetwork } from '../../local/hosts/network.ts';
import { allow, externalNetwork, nodePolicy, ruleset } from './hosts/node.ts';
import { type Header, ip, summed } from './hosts/packets.ts';
import { planeOf } from './hosts/plane.ts';
import { openRaw, type RawEnd } from './hosts/raw.ts';

/* What somebody sends who makes packets by hand: none of it gets past rules that allow UDP and TCP on port 5432 alone. */

const PLANS: readonly HostPlan[] = [
  { name: 'node', addresses: ['10.1.0.1', '2001:db8::1'] },
  { name: 'pod', addresses: ['10.1.0.2', '2001:db8::2'], behind: 'node' },
  { name: 'evil', addresses: ['10.1.0.9', '2001:db8::9'] },
];
const [NODE, NODE6, POD, POD6, EVIL, EVIL6] = PLANS.flatMap(({ addresses }) => addresses) as [
  string,
  string,
  string,
  string,
  string,
  string,
];

const ENTRIES = [
  externalNetwork(20, 'net=evil', `${EVIL}/32`, `${EVIL6}/128`),
  externalNetwork(21, 'net=sly', '2001:db8::77/128'),
  ruleset(30, ['node', 'pod'], {
    incomingRules: [allow('net=evil', 'udp/5432', 'tcp/5432'), allow('net=sly', 'AH')],
  }),
];

let port = 20_000;
const udp = (to: number, data = Buffer.alloc(8)): Buffer => {
  const header = Buffer.alloc(8);
  header.writeUInt16BE(++port, 0);
  header.writeUInt16BE(to, 2);
  header.writeUInt16BE(8 + data.length, 4);
  return Buffer.concat([header, data]);
};
const FLAGS = { FIN: 1, SYN: 2, RST: 4, PSH: 8, ACK: 16, URG: 32 } as const;
const tcp = (to: number, ...flags: (keyof typeof FLAGS)[]): Buffer => {
  const header = Buffer.alloc(20);
  header.writeUInt16BE(++port, 0);
  header.writeUInt16BE(to, 2);
  header.writeUInt32BE(1000, 4);
  header.writeUInt8(0x50, 12);
  header.writeUInt8(
    flags.reduce((sum, flag) => sum + FLAGS[flag], 0),
    13,
  );
  header.writeUInt16BE(0xffff, 14);
  return header;
};
const icmp = (type: number, code: number, rest: Buffer = Buffer.alloc(20)): Buffer =>
  Buffer.concat([Buffer.from([type, code, 0, 0]), rest]);
/** An error about this packet. */
const about = (packet: Buffer): Buffer => icmp(3, 4, Buffer.concat([Buffer.alloc(4), packet]));

const four = (protocol: number, body: Buffer, how?: Header, to: string = NODE): Buffer =>
  ip(EVIL, to, protocol, body, how);
const six = (protocol: number, body: Buffer, how?: Header, to: string = NODE6): Buffer =>
  ip(EVIL6, to, protocol, body, how);

/** Headers of IPv6 before what they carry, by their own numbers. */
const hopByHop = (next: number, rest: Buffer) =>
  Buffer.concat([Buffer.from([next, 0, 1, 4, 0, 0, 0, 0]), rest]);
const routing = (next: number, rest: Buffer) =>
  Buffer.concat([Buffer.from([next, 0, 0, 0, 0, 0, 0, 0]), rest]);
const authentication = (next: number, rest: Buffer) =>
  Buffer.concat([Buffer.from([next, 4, 0, 0]), Buffer.alloc(20), rest]);
/** `at`: in units of eight bytes. */
const fragment = (next: number, id: number, rest: Buffer, at = 0, more = 0) => {
  const header = Buffer.alloc(8);
  header.writeUInt8(next, 0);
  header.writeUInt16BE(at * 8 + more, 2);
  header.writeUInt32BE(id, 4);
  return Buffer.concat([header, rest]);
};
const udp6 = (to: number, host: string = NODE6) => summed(EVIL6, host, 17, udp(to));
const long = (to: number) => summed(EVIL, NODE, 17, udp(to, Buffer.alloc(56)));
const MORE = 0x2000;

const ARRIVES: readonly [what: string, packets: () => Buffer[]][] = [
  ['UDP', () => [four(17, udp(5432))]],
  ['UDP over IPv6', () => [six(17, udp(5432))]],
  ['UDP after a hop-by-hop header', () => [six(0, hopByHop(17, udp6(5432)))]],
  ['UDP in a single fragment', () => [six(44, fragment(17, 1, udp6(5432)))]],
  ['a SYN', () => [four(6, tcp(5432, 'SYN'))]],
  ['UDP to a container', () => [four(17, udp(5432), {}, POD)]],
  ['UDP over IPv6 to a container', () => [six(17, udp(5432), {}, POD6)]],
  [
    'UDP in two fragments',
    () => {
      const whole = long(5432);
      return [
        four(17, whole.subarray(0, 32), { isSummed: true, id: 11, fragment: MORE }),
        four(17, whole.subarray(32), { isSummed: true, id: 11, fragment: 4 }),
      ];
    },
  ],
];

const VANISHES: readonly [what: string, packets: () => Buffer[]][] = [
  ['UDP', () => [four(17, udp(99))]],
  ['UDP over IPv6', () => [six(17, udp(99))]],
  ['UDP to a container', () => [four(17, udp(99), {}, POD)]],
  ['ICMPv6 in IPv4', () => [four(58, icmp(135, 0), { hops: 255 })]],
  ['ICMP in IPv6', () => [six(1, icmp(8, 0))]],
  ['a redirect', () => [four(1, icmp(5, 1)), six(58, icmp(137, 0), { hops: 255 })]],
  ['UDP after a header of options', () => [six(60, hopByHop(17, udp6(99)))]],
  ['UDP after a hop-by-hop header', () => [six(0, hopByHop(17, udp6(99)))]],
  ['UDP after three headers', () => [six(60, hopByHop(60, hopByHop(60, hopByHop(17, udp6(99)))))]],
  ['UDP after a routing header of type 0', () => [six(43, routing(17, udp6(99)))]],
  ['UDP after a header of authentication', () => [six(51, authentication(17, udp6(99)))]],
  [
    'the same with the allowed port, which is another protocol',
    () => [six(51, authentication(17, udp6(5432)))],
  ],
  ['UDP in a single fragment', () => [six(44, fragment(17, 2, udp6(99)))]],
  ['UDP in a single fragment to a container', () => [six(44, fragment(17, 3, udp6(99, POD6)), {}, POD6)]],
  [
    'neighbour discovery in a fragment',
    () => [six(44, fragment(58, 4, summed(EVIL6, NODE6, 58, icmp(135, 0))), { hops: 255 })],
  ],
  [
    'a later fragment alone',
    () => [
      six(44, fragment(17, 5, Buffer.alloc(16), 1)),
      four(17, Buffer.alloc(16), { isSummed: true, id: 12, fragment: 4 }),
    ],
  ],
  [
    'a later fragment of ICMP alone',
    () => [four(1, Buffer.alloc(16), { isSummed: true, id: 13, fragment: 4 })],
  ],
  [
    'a first fragment alone',
    () => [four(17, long(99).subarray(0, 32), { isSummed: true, id: 14, fragment: MORE })],
  ],
  [
    'UDP in two fragments',
    () => {
      const whole = long(99);
      return [
        four(17, whole.subarray(0, 32), { isSummed: true, id: 15, fragment: MORE }),
        four(17, whole.subarray(32), { isSummed: true, id: 15, fragment: 4 }),
      ];
    },
  ],
  [
    'a port that a second first fragment changes',
    () => [
      four(17, long(99).subarray(0, 32), { isSummed: true, id: 16, fragment: MORE }),
      four(17, long(5432).subarray(0, 32), { isSummed: true, id: 16, fragment: MORE }),
      four(17, long(99).subarray(32), { isSummed: true, id: 16, fragment: 4 }),
    ],
  ],
  ['nothing after the header', () => [six(59, Buffer.alloc(16))]],
  [
    'UDP with a recorded route',
    () => [four(17, udp(99), { options: Buffer.from([7, 7, 4, 0, 0, 0, 0, 0]) })],
  ],
  ...(
    [
      ['SYN'],
      ['SYN', 'FIN'],
      ['SYN', 'RST'],
      ['SYN', 'URG'],
      ['SYN', 'PSH'],
      ['SYN', 'ACK'],
      ['ACK'],
      ['FIN'],
      ['RST'],
      ['FIN', 'PSH', 'URG'],
      [],
    ] as const
  ).map((flags): [string, () => Buffer[]] => [
    `TCP with ${flags.join(' and ') || 'no flag'}`,
    () => [four(6, tcp(99, ...flags))],
  ]),
  ...([['SYN', 'FIN'], ['SYN', 'RST'], ['SYN', 'ACK'], ['FIN', 'PSH', 'URG'], []] as const).map(
    (flags): [string, () => Buffer[]] => [
      `TCP to the allowed port with ${flags.join(' and ') || 'no flag'}`,
      () => [four(6, tcp(5432, ...flags))],
    ],
  ),
  ['an error about a packet that nobody sent', () => [four(1, about(ip(NODE, EVIL, 17, udp(9))))]],
  ['an error about a packet to the container', () => [four(1, about(ip(NODE, POD, 17, udp(9))))]],
  ['an answer to no echo', () => [four(1, icmp(0, 0))]],
  ['UDP to everybody', () => [four(17, udp(99), {}, '255.255.255.255'), four(17, udp(99), {}, '224.0.0.1')]],
  ['UDP to all on the link', () => [six(17, udp(99), {}, 'ff02::1')]],
  ['the host’s own address', () => [ip(NODE, NODE, 17, udp(5432)), ip(NODE6, NODE6, 17, udp(5432))]],
  ['loopback addresses', () => [ip('127.0.0.1', NODE, 17, udp(5432)), ip('::1', NODE6, 17, udp(5432))]],
  ['the container’s address', () => [ip(POD, NODE, 17, udp(5432)), ip(POD6, NODE6, 17, udp(5432))]],
  ['SCTP, DCCP and UDP-Lite', () => [132, 33, 136].map(protocol => four(protocol, Buffer.alloc(24, 1)))],
  [
    'GRE, also as PPTP has it',
    () => [
      four(47, Buffer.from([0, 0, 8, 0, 0, 0, 0, 0])),
      four(47, Buffer.from([0x20, 1, 0x88, 0xb, 0, 0, 0, 1, 0, 0, 0, 0])),
    ],
  ],
  ['ESP', () => [four(50, Buffer.alloc(20, 1))]],
  [
    'tunnels with what is allowed in them',
    () => [four(4, four(17, udp(5432))), four(41, six(17, udp(5432)))],
  ],
  ['IGMP', () => [four(2, Buffer.from([0x11, 0, 0xee, 0xff, 0, 0, 0, 0]), { hops: 1 }, '224.0.0.1')]],
  ['the first and the last protocol', () => [four(0, Buffer.alloc(20)), four(255, Buffer.alloc(20))]],
];

describe('crafted packets', () => {
  let network: Network;
  let evil: RawEnd;

  beforeAll(async () => {
    network = await openNetwork(PLANS);
    const node = network.host('node');
    evil = await openRaw(network.host('evil'), () => undefined);
    await node.run('sysctl', [
      '-qw',
      'net.ipv4.conf.all.rp_filter=0',
      'net.ipv4.conf.eth0.rp_filter=0',
      'net.ipv4.conf.all.route_localnet=1',
    ]);
    // What got past the rules; neighbours who look for one another are none of it.
    await node.run(
      'nft',
      ['-f', '-'],
      `table inet past {
  counter past {
  }
  chain seen {
    iifname != "eth0" accept
    ip6 saddr { ::, fe80::/10 } accept
    ip6 hoplimit 255 icmpv6 type { 135, 136 } ip6 nexthdr 58 accept
    counter name past
  }
  chain received {
    type filter hook input priority 300
    jump seen
  }
  chain forwarded {
    type filter hook forward priority 300
    jump seen
  }
}
`,
    );
    // Whoever meets for the first time has to find the other one first.
    const met = [
      ...[NODE, POD].map(to => four(17, udp(1), {}, to)),
      ...[NODE6, POD6].map(to => six(17, udp(1), {}, to)),
    ];
    expect(await past(met, met.length)).toBe(met.length);
    expect(await planeOf(node).apply(nodePolicy(PLANS, ENTRIES))).toMatchObject({ outcome: 'applied' });
  });
  afterAll(async () => {
    await evil?.close();
    await network?.close();
  });

  /** How many packets get past the rules of the node when these are sent: so many, or, given some time, more or less. */
  async function past(packets: readonly Buffer[], expected: number): Promise<number> {
    const read = async (verb: string): Promise<number> => {
      const text = await network.host('node').run('nft', [verb, 'counter', 'inet', 'past', 'past']);
      return Number(/packets (\d+)/.exec(text)?.[1]);
    };
    await read('reset');
    await evil.send(packets);
    const patience = expected > 0 ? 10_000 : 60;
    let count = 0;
    for (const until = performance.now() + patience; performance.now() < until; await wait(10)) {
      count = await read('list');
      if (count > 0 && count >= expected) break;
    }
    return count;
  }

  test.each(ARRIVES)('%s to the allowed port arrives', async (_, packets) => {
    expect(await past(packets(), 1)).toBe(1);
  });

  test.each(VANISHES)('%s does not', async (_, packets) => {
    expect(await past(packets(), 0)).toBe(0);
  });

  test('a header of authentication opens no connection for what it holds', async () => {
    const sly = '2001:db8::77';
    const datagram = udp(99);
    const inside = summed(sly, NODE6, 17, Buffer.from(datagram));
    expect(await past([ip(sly, NODE6, 51, authentication(17, inside))], 0)).toBe(0);
    expect(await past([ip(sly, NODE6, 17, datagram)], 0)).toBe(0);
  });
});

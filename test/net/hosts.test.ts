import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Network, openNetwork } from '../../local/hosts/network.ts';
import type { Traffic } from '../../shared/core/ports.ts';
import { openProbes, type Probes } from './hosts/probes.ts';

const TRAFFIC: readonly Traffic[] = [
  { kind: 'ports', protocol: 6, port: 80 },
  { kind: 'ports', protocol: 17, port: 53 },
  { kind: 'icmp', protocol: 1, type: 8, code: 0 },
  { kind: 'icmp', protocol: 1, type: 3, code: 4 },
  { kind: 'icmp', protocol: 58, type: 128, code: 0 },
  { kind: 'icmp', protocol: 58, type: 1, code: 3 },
  { kind: 'protocol', protocol: 50 },
];
const isIPv6 = (traffic: Traffic): boolean => traffic.protocol === 58;
/** A segment, an echo or an error: of all but errors, and what nobody knows, something comes back. */
const hasAnswer = (traffic: Traffic | undefined): boolean =>
  traffic?.kind === 'ports' || (traffic?.kind === 'icmp' && [8, 128].includes(traffic.type));

/** A filter that lets in nothing but what IPv6 needs to find its neighbours. */
const SHUT = `table inet shut {
  chain i {
    type filter hook input priority 0; policy drop;
    icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept
  }
}
`;

describe('test hosts', () => {
  let network: Network;
  let probes: Probes;

  beforeAll(async () => {
    network = await openNetwork([
      { name: 'a', addresses: ['10.0.0.1', '10.9.9.1', '2001:db8::1'] },
      { name: 'b', addresses: ['10.0.0.2', '192.0.2.2', '2001:db8::2'] },
      { name: 'c', addresses: ['203.0.113.3', '2001:db8::3'] },
      { name: 'd', addresses: ['10.0.0.4', '2001:db8::4'], behind: 'c' },
      { name: 'e', addresses: ['10.0.0.5', '2001:db8::5'], behind: 'c' },
    ]);
    probes = await openProbes(network);
  });

  afterAll(async () => {
    await probes?.close();
    await network?.close();
  });

  const wanted = () =>
    TRAFFIC.map(traffic => ({
      ...(isIPv6(traffic)
        ? { from: '2001:db8::1', to: '2001:db8::2' }
        : { from: '10.9.9.1', to: '192.0.2.2' }),
      traffic,
    }));

  test('what nobody filters arrives, whatever it carries, and TCP and echoes are answered', async () => {
    const seen = await probes.send(wanted(), at => ({ arrived: true, answered: hasAnswer(TRAFFIC[at]) }));
    expect(seen).toEqual(TRAFFIC.map(traffic => ({ arrived: true, answered: hasAnswer(traffic) })));
  });

  test('containers reach everybody and everybody reaches them', async () => {
    const everybody = network.hosts.flatMap(({ addresses }) => addresses);
    const pairs = everybody.flatMap(from =>
      everybody
        .filter(to => to.includes(':') === from.includes(':') && hostOf(to) !== hostOf(from))
        .map(to => ({ from, to, traffic: { kind: 'ports' as const, protocol: 6 as const, port: 80 } })),
    );
    const seen = await probes.send(pairs, () => ({ arrived: true, answered: true }));
    const lost = pairs.filter((_, at) => !(seen[at]?.arrived && seen[at].answered));
    expect(lost).toEqual([]);
  });

  const hostOf = (address: string) => network.hosts.find(({ addresses }) => addresses.includes(address));

  test('what a filter drops does not arrive', async () => {
    const { run } = network.host('b');
    await run('nft', ['-f', '-'], SHUT);
    const seen = await probes.send(wanted(), () => ({}));
    expect(seen).toEqual(TRAFFIC.map(() => ({ arrived: false, answered: false })));
    await run('nft', ['flush', 'ruleset']);
  });

  test('20,000 probes in batches all arrive', async () => {
    const from = network.host('a');
    let arrived = 0;
    for (let batch = 0; batch < 20; batch++) {
      const many = Array.from({ length: 1000 }, (_, at) => ({
        from: from.addresses[0] ?? '',
        to: at % 2 ? '10.0.0.2' : '203.0.113.3',
        traffic: { kind: 'ports' as const, protocol: 17 as const, port: 1 + at },
      }));
      arrived += (await probes.send(many, () => ({ arrived: true }))).filter(one => one.arrived).length;
    }
    expect(arrived).toBe(20_000);
  });
});

import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { introduce } from '../../clients/enforcer/connections/introduce.ts';
import { introducing } from '../../clients/enforcer/connections/introducing.ts';
import type { DataPlane } from '../../clients/enforcer/data-plane.ts';
import { nftCommand } from '../../clients/enforcer/nft/command.ts';
import { PROBE } from '../../clients/host/collect.ts';
import { type HostPlan, type Network, openNetwork } from '../../local/hosts/network.ts';
import type { Entry } from '../core/objects.ts';
import { allow, externalNetwork, nodePolicy, ruleset } from './hosts/node.ts';
import { planeOf } from './hosts/plane.ts';
import { openTalker, type Talker } from './hosts/talk.ts';
import { until } from './until.ts';

/* On a host where nothing asked for connection tracking, an agent meets connections in the middle. */

const PLANS: readonly HostPlan[] = [
  { name: 'node', addresses: ['10.1.0.1', '2001:db8::1'] },
  { name: 'box', addresses: ['10.1.0.2', '2001:db8::2'], behind: 'node' },
  { name: 'out', addresses: ['192.0.2.7', '2001:db8:7::7'] },
];
const addressesOf = (name: string): readonly string[] =>
  PLANS.find(plan => plan.name === name)?.addresses ?? [];

const ASKS = 90;
const ANSWERS = 91;
const FORBIDDEN = 92;
const OUT = externalNetwork(20, 'net=out', '192.0.2.0/24', '2001:db8:7::/48');
const RULESET = ruleset(30, ['node', 'box'], {
  outgoingRules: [allow('net=out', `tcp/${ASKS}`)],
  incomingRules: [allow('net=out', `tcp/${ANSWERS}`)],
});

/** Who opens a connection to whom, on which port; the other end does all the talking. */
const OPENED = [
  ...['node', 'box'].flatMap(name => [
    { from: name, to: 'out', port: ASKS },
    { from: 'out', to: name, port: ANSWERS },
    { from: name, to: 'out', port: FORBIDDEN },
    { from: 'out', to: name, port: FORBIDDEN },
  ]),
];

describe('connections that are older than the rules', () => {
  let network: Network;
  let plain: DataPlane;
  const talkers = new Map<string, Talker>();

  beforeEach(async () => {
    network = await openNetwork(PLANS);
    plain = planeOf(network.host('node'));
    for (const { name } of PLANS) {
      const talker = await openTalker(network.host(name));
      talkers.set(name, talker);
      for (const port of [ASKS, ANSWERS, FORBIDDEN]) await talker.ask({ kind: 'pour', port, every: 20 });
    }
    for (const { from, to, port } of OPENED)
      for (const address of addressesOf(to))
        await talkers.get(from)?.ask({ kind: 'open', protocol: 'tcp', to: address, port, every: 0 });
    const all = OPENED.flatMap(both);
    expect(await alive(all), 'before there are rules').toEqual(all);
  });
  afterEach(async () => {
    for (const talker of talkers.values()) await talker.close();
    await network?.close();
  });

  const both = ({ from, to, port }: (typeof OPENED)[number]): string[] =>
    addressesOf(to).map(address => `${from} → ${to} ${port} ${address.includes(':') ? 6 : 4}`);

  /** Messages that have come, by connection. */
  async function heard(): Promise<Map<string, number>> {
    const counts = new Map<string, number>();
    for (const [name, talker] of talkers) {
      const keys = OPENED.filter(({ from }) => from === name).flatMap(both);
      const flows = await talker.ask({ kind: 'report' });
      for (const [at, key] of keys.entries()) counts.set(key, flows[at]?.echoed ?? 0);
    }
    return counts;
  }

  /** Connections over which something still comes after a while, and after some more where it is expected. */
  async function alive(expected: readonly string[]): Promise<string[]> {
    const grown = async (before: ReadonlyMap<string, number>): Promise<Set<string>> =>
      new Set(
        [...(await heard())].filter(([key, count]) => count > (before.get(key) ?? 0)).map(([key]) => key),
      );
    const come = async (before: ReadonlyMap<string, number>): Promise<void> => {
      await wait(700);
      // What is expected and doesn't come is told below.
      await until(
        'what is expected',
        async () => {
          const those = await grown(before);
          return expected.every(key => those.has(key));
        },
        { within: 20_000 },
      ).catch(() => undefined);
    };
    await come(await heard());
    const before = await heard();
    await come(before);
    const those = await grown(before);
    return OPENED.flatMap(both).filter(key => those.has(key));
  }

  const policy = (...rules: Entry[]) => nodePolicy(PLANS, [OUT, ...rules]);
  const allowed = OPENED.filter(({ port }) => port !== FORBIDDEN).flatMap(both);

  test('go on when policy allows them, whichever end speaks, and end when it does not', async () => {
    const warnings: unknown[] = [];
    const log = { warn: (...words: unknown[]) => void warnings.push(words) };
    const conntrack = nftCommand([...network.host('node').enter, 'conntrack']);
    // This process is on none of the hosts: it has to look into all of them.
    const plane = introducing(plain, () => introduce({ conntrack, log, containers: true }));
    expect(await plane.apply(policy(RULESET))).toMatchObject({ outcome: 'applied' });
    expect(await alive(allowed)).toEqual(allowed);
    expect(warnings).toEqual([]);

    await network.host('node').run('nft', ['flush', 'ruleset']);
    expect(await plane.reconcile()).toMatchObject({ mended: true });
    expect(await alive(allowed), 'after somebody has flushed the rules').toEqual(allowed);

    expect(await plane.apply(policy())).toMatchObject({ outcome: 'applied' });
    expect(await alive([]), 'forbidden later').toEqual([]);
  });

  test('are not met in the middle because somebody looks at what the kernel can', async () => {
    const node = network.host('node');
    for (let look = 0; look < 20; look++) await node.run('nft', ['-c', PROBE]);
    expect(await node.run('conntrack', ['-C'])).toBe('0\n');
  });

  test('stall when the kernel is not told of them, but where the end that opened one happens to speak first', async () => {
    expect(await plain.apply(policy(RULESET))).toMatchObject({ outcome: 'applied' });
    const left = await alive([]);
    expect(allowed).toEqual(expect.arrayContaining(left));
    expect(left.length).toBeLessThan(allowed.length);
  });
});

import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { DataPlane } from '../../../clients/enforcer/data-plane.ts';
import { type Nft, nftCommand } from '../../../clients/enforcer/nft/command.ts';
import { interactiveNft } from '../../../clients/enforcer/nft/interactive.ts';
import { openDataPlane } from '../../../clients/enforcer/nft/plane.ts';
import { type Network, openNetwork } from '../../../local/hosts/network.ts';
import type { Traffic } from '../../../shared/core/ports.ts';
import { type Entry, make } from '../../core/objects.ts';
import { openProbes, type Probes, type Seen, type Wanted } from '../hosts/probes.ts';
import { openTalker, type Talker } from '../hosts/talk.ts';
import { until } from '../until.ts';
import { ENFORCED, externalNetwork, LASTING, PLANS, policyOf, ruleset, SHOP } from './shop.ts';

/** 2,000 in `npm run test:net:long`. */
const CHANGES = Number(process.env.CHANGES ?? 500);
const HERTZ = 1000;
/** Milliseconds between bursts of probes: shorter timers are less exact. */
const BEAT = 4;

const tcp = (port: number): Traffic => ({ kind: 'ports', protocol: 6, port });
const udp = (port: number): Traffic => ({ kind: 'ports', protocol: 17, port });
const flow = (from: string, to: string, traffic: Traffic): Wanted => ({ from, to, traffic });

const ALLOWED: readonly Wanted[] = [
  flow('10.1.0.1', '10.1.0.2', tcp(80)),
  flow('2001:db8::1', '2001:db8::2', udp(80)),
  flow('10.1.0.1', '10.1.0.3', udp(80)),
  flow('2001:db8::1', '2001:db8::3', tcp(80)),
  flow('192.0.2.7', '10.1.0.2', tcp(81)),
  flow('2001:db8:7::7', '2001:db8::2', udp(81)),
];
const REFUSED: readonly Wanted[] = [
  flow('10.1.0.1', '10.1.0.2', tcp(82)),
  flow('2001:db8::1', '2001:db8::3', udp(81)),
  flow('10.1.0.3', '10.1.0.1', tcp(80)),
  flow('10.1.0.2', '10.1.0.3', tcp(80)),
  flow('198.51.100.7', '10.1.0.2', tcp(81)),
  flow('2001:db8:7::7', '2001:db8::3', tcp(80)),
];

/** Objects that come and go: none lets one of these flows through or shuts it out. Every third is a peer alone. */
const passing = (number: number): Entry[] => {
  const port = 1000 + number;
  const rules = [
    ruleset(1000 + number, 'app=db', 'incomingRules', 'app=web', [`tcp/${port}`, `udp/${port}:${port + 9}`]),
    ruleset(3000 + number, 'app=web', 'outgoingRules', 'net=other', [`tcp/${port}`], { action: 'Reject' }),
    externalNetwork(5000 + number, number % 2 ? 'net=partner' : 'net=other', [
      `203.0.${number % 256}.0/24`,
      `!203.0.${number % 256}.64/26`,
    ]),
  ];
  const peer: Entry = {
    identity: 'processingunit',
    object: make('processingunit', SHOP, 7000 + number, {
      type: 'Docker',
      associatedTags: [number % 2 ? 'app=web' : 'app=db'],
      addresses: [`10.2.${number % 250}.1`, `2001:db8:2::${number.toString(16)}`],
    }),
  };
  return number % 3 === 0 ? [peer] : [...rules, peer];
};

/** After so many changes each host compares what it has with its kernel, which begins an epoch if peers are fresh. */
const COMPARED = 10;

describe('updates under traffic', () => {
  let network: Network;
  let probes: Probes;
  let web: Talker;
  const servers: Talker[] = [];
  const planes = new Map<string, DataPlane>();
  let loads = 0;

  beforeAll(async () => {
    network = await openNetwork(PLANS);
    probes = await openProbes(network);
    for (const { name } of ENFORCED) {
      const command = [...network.host(name).enter, 'nft'];
      const whole = nftCommand(command);
      const nft: Nft = (args, input, line) => {
        if (args[0] === '-f') loads++;
        return whole(args, input, line);
      };
      planes.set(name, openDataPlane({ nft, quick: interactiveNft(command) }));
    }
    for (const name of ['db', 'cache']) servers.push(await openTalker(network.host(name)));
    for (const server of servers) await server.ask({ kind: 'listen', port: 80 });
    web = await openTalker(network.host('web'));
  });

  afterAll(async () => {
    for (const talker of [web, ...servers]) await talker?.close();
    await probes?.close();
    await network?.close();
  });

  const apply = (entries: readonly Entry[]) =>
    Promise.all(
      ENFORCED.map(async host => {
        const applied = await planes.get(host.name)?.apply(policyOf(host, entries));
        expect(applied, JSON.stringify(applied)).toMatchObject({ outcome: 'applied' });
      }),
    );

  const timeout = 60_000 + CHANGES * 400;

  test(`${CHANGES} changes: nothing allowed is refused, nothing refused is allowed, and no flow breaks`, {
    timeout,
  }, async () => {
    await apply(LASTING);
    for (const protocol of ['tcp', 'udp'] as const)
      for (const to of ['10.1.0.2', '2001:db8::3'])
        await web.ask({ kind: 'open', protocol, to, port: 80, every: 10 });
    const wanted = [...ALLOWED, ...REFUSED];
    await probes.send(wanted, at => ({ arrived: at < ALLOWED.length }));

    const fired: { seen: Seen; probe: Wanted }[] = [];
    let changes = 0;
    const begun = performance.now();
    const elapsed = () => (performance.now() - begun) / 1000;
    const firing = (async () => {
      while (changes < CHANGES) {
        const first = fired.length;
        const due = Math.floor(elapsed() * HERTZ) - first;
        const burst = Array.from({ length: due }).flatMap(
          (_, at) => wanted[(first + at) % wanted.length] ?? [],
        );
        const { seen, sent } = probes.fire(burst);
        fired.push(...burst.flatMap((probe, at) => (seen[at] ? [{ probe, seen: seen[at] }] : [])));
        await sent;
        await wait(BEAT);
      }
    })();
    const present = new Map<number, Entry[]>();
    for (; changes < CHANGES; changes++) {
      // A walk without chance: objects come, stay for a while, and go.
      const number = (changes * 7) % 40;
      if (present.has(number)) present.delete(number);
      else present.set(number, passing(number));
      await apply([...LASTING, ...[...present.values()].flat()]);
      if (changes % COMPARED === 0)
        for (const plane of planes.values())
          expect(await plane.reconcile()).toEqual({ mended: false, difference: '' });
    }
    await firing;
    const seconds = elapsed();
    await wait(100);
    await probes.settle();

    const wrong = fired.filter(({ seen, probe }) => seen.arrived !== ALLOWED.includes(probe));
    process.stdout.write(
      `updates: ${CHANGES} changes on ${ENFORCED.length} hosts in ${seconds.toFixed(1)} s, ` +
        `${fired.length} probes (${Math.round(fired.length / seconds)}/s), ${wrong.length} decided wrongly\n`,
    );
    expect(fired.length).toBeGreaterThan(seconds * HERTZ * 0.9);
    expect(wrong.slice(0, 5)).toEqual([]);
    // Each host was loaded once; every change after that was made in place, by a process that was there.
    expect(loads).toBe(ENFORCED.length);
    for (const { sent, ended } of await web.ask({ kind: 'report' })) {
      expect(ended).toBe('');
      expect(sent).toBeGreaterThan(seconds * 20);
    }
    // What is on its way may be missing, and nothing else.
    await until('every message to come back', async () =>
      (await web.ask({ kind: 'report' })).every(({ sent, echoed }) => sent - echoed < 3),
    );
    await web.ask({ kind: 'stop' });
  });
});

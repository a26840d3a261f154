import { setTimeout as wait } from 'node:timers/promises';
import type { Host, Network } from './network.ts';
import { type Probe, packetOf, recognize } from './packets.ts';
import { openRaw, type RawEnd } from './raw.ts';

/** The first packet of a flow between addresses of two hosts. */
export type Wanted = Omit<Probe, 'id' | 'sourcePort'>;

/** What became of it. */
export interface Seen {
  /** It got through the filters of both hosts. */
  arrived: boolean;
  /** Its answer got through both as well: a TCP segment, an echo reply, or an ICMP error. */
  answered: boolean;
}

/** Raw sockets on every host of a network. */
export interface Probes {
  /**
   * Sends the probes, each a flow of its own, and tells what became of them, in their order. Waits until as many have
   * arrived and were answered as should, at most `patience` milliseconds after the last was sent, and `grace` longer for
   * more.
   */
  send(probes: readonly Wanted[], expected: Expected, times?: Partial<Times>): Promise<Seen[]>;
  close(): Promise<void>;
}

/** How many probes should get through, and how many of their answers at least. */
interface Expected {
  arrived: number;
  answered: number;
}

interface Times {
  patience: number;
  grace: number;
}

const FIRST_PORT = 20_000;
const PORTS = 40_000;

export async function openProbes({ hosts }: Pick<Network, 'hosts'>): Promise<Probes> {
  const owners = new Map(hosts.flatMap(host => host.addresses.map(address => [address, host] as const)));
  const waiting = new Map<number, { to: Host; seen: Seen }>();
  const counts = { arrived: 0, answered: 0 };
  let last = 0;
  const ends = new Map<Host, RawEnd>();
  for (const host of hosts)
    ends.set(
      host,
      await openRaw(host, packet => {
        const what = recognize(packet);
        const known = what && waiting.get(what.id);
        if (!known) return;
        const key = what.is === 'answer' ? 'answered' : 'arrived';
        if ((key === 'arrived' && known.to !== host) || known.seen[key]) return;
        known.seen[key] = true;
        counts[key]++;
      }),
    );
  const ownerOf = (address: string): Host => {
    const owner = owners.get(address);
    if (!owner) throw new Error(`no host has ${address}`);
    return owner;
  };

  const send: Probes['send'] = async (probes, expected, { patience = 2_000, grace = 30 } = {}) => {
    waiting.clear();
    Object.assign(counts, { arrived: 0, answered: 0 });
    const bySource = new Map<Host, Buffer[]>();
    const results = probes.map(probe => {
      const id = ++last;
      const seen = { arrived: false, answered: false };
      waiting.set(id, { to: ownerOf(probe.to), seen });
      const packet = packetOf({ ...probe, id, sourcePort: FIRST_PORT + (id % PORTS) });
      const from = ownerOf(probe.from);
      const packets = bySource.get(from);
      if (packets) packets.push(packet);
      else bySource.set(from, [packet]);
      return seen;
    });
    await Promise.all([...bySource].map(([host, packets]) => ends.get(host)?.send(packets)));
    const until = performance.now() + patience;
    const isWaiting = () => counts.arrived < expected.arrived || counts.answered < expected.answered;
    while (isWaiting() && performance.now() < until) await wait(2);
    await wait(grace);
    // Whatever the kernels had queued for the readers is read now.
    await Promise.all([...ends.values()].map(end => end.send([])));
    return results;
  };

  return {
    send,
    close: async () => void (await Promise.all([...ends.values()].map(end => end.close()))),
  };
}

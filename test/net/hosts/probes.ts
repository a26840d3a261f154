import { setTimeout as wait } from 'node:timers/promises';
import type { Host, Network } from '../../../local/hosts/network.ts';
import { type Probe, packetOf, recognize } from './packets.ts';
import { openRaw, type RawEnd, type Received } from './raw.ts';

/** The first packet of a flow between addresses of two hosts. */
export interface Wanted extends Omit<Probe, 'id' | 'sourcePort'> {
  /** An address of the host that sends it, where that is not its source. */
  by?: string;
  /** An address of the host where it arrives, where that is not its destination. */
  arrivesAt?: string;
  /** Another one each time unless said. */
  sourcePort?: number;
}

/** What became of it. */
export interface Seen {
  /** It got through the filters of both hosts. */
  arrived: boolean;
  /** Its answer got through both as well: a TCP segment, an echo reply, or an ICMP error. */
  answered: boolean;
}

/** Raw sockets on every host of a network. */
export interface Probes {
  /** Sends the probes, each a flow of its own. What became of them stands in the answer as soon as it is known. */
  fire(probes: readonly Wanted[]): { seen: readonly Seen[]; sent: Promise<void> };
  /** Waits until whatever the kernels have received so far has been read. */
  settle(): Promise<void>;
  /**
   * The same, and tells what became of them, in their order. Waits until each is at least what is expected of it, at most
   * `patience` milliseconds after the last was sent, and `grace` longer for what nobody expects.
   */
  send(
    probes: readonly Wanted[],
    expected: (at: number) => Expected,
    times?: Partial<Times>,
  ): Promise<readonly Seen[]>;
  close(): Promise<void>;
}

/** What has to become of a probe before it is done; nothing, for one that is rejected. */
type Expected = Partial<Seen>;

interface Times {
  patience: number;
  grace: number;
}

/** Milliseconds: what is expected and does not come at all waits so long, and nothing else. */
const PATIENCE = 10_000;
const FIRST_PORT = 20_000;
const PORTS = 40_000;
/** Probes that are remembered. */
const KEPT = 1_000_000;

/** Probes that were sent, by their number. */
class Register {
  readonly #fired = new Map<number, { to: Host; seen: Seen }>();
  #last = 0;

  add(to: Host): { id: number; seen: Seen } {
    if (this.#fired.size > KEPT) this.#fired.clear();
    const id = ++this.#last;
    const seen = { arrived: false, answered: false };
    this.#fired.set(id, { to, seen });
    return { id, seen };
  }

  note(host: Host, packet: Received): void {
    const what = recognize(packet);
    const fired = what && this.#fired.get(what.id);
    if (!fired) return;
    if (what.is === 'answer') fired.seen.answered = true;
    else if (fired.to === host) fired.seen.arrived = true;
  }
}

export async function openProbes({ hosts }: Pick<Network, 'hosts'>): Promise<Probes> {
  const owners = new Map(hosts.flatMap(host => host.addresses.map(address => [address, host] as const)));
  const register = new Register();
  const ends = new Map<Host, RawEnd>();
  for (const host of hosts) ends.set(host, await openRaw(host, packet => register.note(host, packet)));
  const ownerOf = (address: string): Host => {
    const owner = owners.get(address);
    if (!owner) throw new Error(`no host has ${address}`);
    return owner;
  };

  const fire: Probes['fire'] = probes => {
    const packets = new Map<Host, Buffer[]>(hosts.map(host => [host, []]));
    const seen = probes.map(probe => {
      const { id, seen } = register.add(ownerOf(probe.arrivesAt ?? probe.to));
      const packet = packetOf({ ...probe, id, sourcePort: probe.sourcePort ?? FIRST_PORT + (id % PORTS) });
      packets.get(ownerOf(probe.by ?? probe.from))?.push(packet);
      return seen;
    });
    const sending = [...packets].filter(([, own]) => own.length > 0);
    const sent = Promise.all(sending.map(([host, own]) => ends.get(host)?.send(own)));
    return { seen, sent: sent.then(() => undefined) };
  };

  const settle = async (): Promise<void> => {
    await Promise.all([...ends.values()].map(end => end.send([])));
  };

  return {
    fire,
    settle,
    send: async (probes, expected, { patience = PATIENCE, grace = 100 } = {}) => {
      const { seen, sent } = fire(probes);
      await sent;
      const until = performance.now() + patience;
      const isDone = ({ arrived, answered }: Seen, at: number): boolean => {
        const wanted = expected(at);
        return (arrived || !wanted.arrived) && (answered || !wanted.answered);
      };
      while (!seen.every(isDone) && performance.now() < until) await wait(2);
      await wait(grace);
      await settle();
      return seen;
    },
    close: async () => void (await Promise.all([...ends.values()].map(end => end.close()))),
  };
}

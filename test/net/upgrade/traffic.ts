import { setTimeout as wait } from 'node:timers/promises';
import type { Traffic } from '../../../shared/core/ports.ts';
import type { Fleet } from '../fleet.ts';
import { openProbes, type Probes, type Seen, type Wanted } from '../hosts/probes.ts';
import { type FlowReport, openTalker, type Talker } from '../hosts/talk.ts';
import { until } from '../until.ts';

const HERTZ = 1000;
/** Milliseconds between bursts of probes: shorter timers are less exact. */
const BEAT = 4;

export const tcp = (port: number): Traffic => ({ kind: 'ports', protocol: 6, port });
export const flow = (from: string, to: string, traffic: Traffic): Wanted => ({ from, to, traffic });

export interface Counted {
  probes: number;
  seconds: number;
  /** Allowed ones that did not arrive, and forbidden ones that did, each with the second in which it was sent. */
  refused: (Wanted & { at: number })[];
  delivered: (Wanted & { at: number })[];
  /** Connections that were there before: what was sent over each until the end, and what of it and after it came back. */
  flows: FlowReport[];
}

/** First packets of flows, a thousand a second, and connections that go on meanwhile. */
export interface TrafficFlow {
  stop(): Promise<Counted>;
  close(): Promise<void>;
}

interface Plan {
  allowed: readonly Wanted[];
  forbidden: readonly Wanted[];
  /** Connections over TCP, from a host to an address and port where another listens. */
  lasting: readonly { from: string; server: string; to: string; port: number }[];
}

export async function openTraffic({ network }: Fleet, plan: Plan): Promise<TrafficFlow> {
  const probes: Probes = await openProbes(network);
  const talkers = new Map<string, Talker>();
  const on = async (name: string): Promise<Talker> => {
    const talker = talkers.get(name) ?? (await openTalker(network.host(name)));
    talkers.set(name, talker);
    return talker;
  };
  for (const { server, port } of plan.lasting) await (await on(server)).ask({ kind: 'listen', port });
  for (const { from, to, port } of plan.lasting)
    await (await on(from)).ask({ kind: 'open', protocol: 'tcp', to, port, every: 10 });
  const wanted = [...plan.allowed, ...plan.forbidden];
  // Whoever is asked for the first time on this network answers late.
  await probes.send(wanted, at => ({ arrived: at < plan.allowed.length }));

  const clients = [...new Set(plan.lasting.map(({ from }) => from))];
  const report = async (): Promise<FlowReport[]> =>
    (await Promise.all(clients.map(async name => (await on(name)).ask({ kind: 'report' })))).flat();
  /** What is on its way comes back later on a busy machine; only what never does is lost. */
  const returned = async (): Promise<FlowReport[]> => {
    const before = await report();
    return until('every message to come back', async () => {
      const now = (await report()).map((flow, at) => ({ ...flow, sent: before[at]?.sent ?? 0 }));
      return now.every(({ sent, echoed, ended }) => echoed >= sent || ended !== '') ? now : undefined;
    });
  };

  const fired: { seen: Seen; probe: Wanted; at: number }[] = [];
  let goesOn = true;
  const begun = performance.now();
  const elapsed = () => (performance.now() - begun) / 1000;
  const firing = (async () => {
    while (goesOn) {
      const first = fired.length;
      const due = Math.floor(elapsed() * HERTZ) - first;
      const burst = Array.from({ length: due }).flatMap(
        (_, at) => wanted[(first + at) % wanted.length] ?? [],
      );
      const sentAt = elapsed();
      const { seen, sent } = probes.fire(burst);
      fired.push(...burst.flatMap((probe, at) => (seen[at] ? [{ probe, seen: seen[at], at: sentAt }] : [])));
      await sent;
      await wait(BEAT);
    }
  })();

  return {
    stop: async () => {
      goesOn = false;
      await firing;
      const seconds = elapsed();
      await wait(300);
      await probes.settle();
      const wrong = (arrived: boolean) =>
        fired
          .filter(({ seen, probe }) => seen.arrived === arrived && plan.allowed.includes(probe) !== arrived)
          .map(({ probe, at }) => ({ ...probe, at }));
      return {
        probes: fired.length,
        seconds,
        refused: wrong(false),
        delivered: wrong(true),
        flows: await returned(),
      };
    },
    close: async () => {
      goesOn = false;
      await firing;
      for (const talker of talkers.values()) await talker.close();
      await probes.close();
    },
  };
}

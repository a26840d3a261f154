import { setTimeout as wait } from 'node:timers/promises';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { DataPlane } from '../../../clients/enforcer/data-plane.ts';
import { type Network, openNetwork } from '../../../local/hosts/network.ts';
import type { FlowDecision, SideDecision } from '../../../shared/core/decision.ts';
import { evaluate, policiesOf } from '../../../shared/core/evaluate.ts';
import { printTraffic } from '../../../shared/core/ports.ts';
import { viewOf } from '../../core/objects.ts';
import { Reference } from '../../core/reference.ts';
import { hostPolicy, localUnit, planeOf } from '../hosts/plane.ts';
import { openProbes, type Probes } from '../hosts/probes.ts';
import {
  chances,
  ENFORCED,
  flowsOf,
  isHostUnit,
  NAMES,
  PLANS,
  type Planned,
  type Tenant,
  tenantFrom,
  tenants,
} from './tenant.ts';

/** `PACKETS=100000 SEED=7 npm run test:net agreement` makes a long run, or repeats one; see also `npm run test:net:long`. */
const PACKETS = Number(process.env.PACKETS ?? 20_000);
const SEED = Number(process.env.SEED ?? Date.now() % 2 ** 31);
const FLOWS = 500;

/** How often a reason decided, on a host: `<direction> <verdict> <rule or default>`. */
type Tally = Map<string, number>;
const count = (tally: Tally, key: string, times = 1): void =>
  void tally.set(key, (tally.get(key) ?? 0) + times);

const reasonOf = ({ verdict, by, side, observed }: SideDecision): string =>
  [
    side === 'source' ? 'outgoing' : 'incoming',
    verdict,
    'rule' in by ? `${by.rule.rulesetID} ${by.rule.index}` : `default ${by.default.namespace}`,
    observed ? `observed ${observed.verdict} ${observed.by.rule.rulesetID} ${observed.by.rule.index}` : '',
  ].join(' ');

describe('three ways to decide a flow', () => {
  let network: Network;
  let probes: Probes;
  const planes = new Map<string, DataPlane>();

  beforeAll(async () => {
    network = await openNetwork(PLANS);
    probes = await openProbes(network);
    for (const { name } of ENFORCED) planes.set(name, planeOf(network.host(name)));
  });

  afterAll(async () => {
    await probes?.close();
    await network?.close();
  });

  const planeAt = (name: string): DataPlane => {
    const plane = planes.get(name);
    if (!plane) throw new Error(`no data plane on ${name}`);
    return plane;
  };

  /** Makes the tenant's policy hold on every host, for no connection that was there before. */
  async function enforce({ entries, units }: Tenant): Promise<void> {
    const view = viewOf(entries);
    await Promise.all(
      ENFORCED.map(async ({ name, namespace, units: own }) => {
        const policy = hostPolicy(view, namespace, {
          units: own.flatMap(at => {
            const unit = units[at];
            return unit ? [{ ...localUnit(unit), isHost: isHostUnit(at) }] : [];
          }),
          names: NAMES,
        });
        expect(await planeAt(name).apply(policy)).toMatchObject({ outcome: 'applied' });
        await network
          .host(name)
          .run('conntrack', ['-F'])
          .catch(() => undefined);
      }),
    );
  }

  const counted = async (name: string): Promise<Tally> => {
    const plane = planeAt(name);
    const tally: Tally = new Map();
    for (const [id, { packets }] of await plane.counters()) {
      const meaning = plane.meaning(id);
      if (!meaning || packets === 0) continue;
      const { direction, verdict, rule, namespace, observed } = meaning;
      const key = [
        direction,
        verdict,
        rule ? `${rule.rulesetID} ${rule.index}` : `default ${namespace}`,
        observed ? `observed ${observed.verdict} ${observed.rule.rulesetID} ${observed.rule.index}` : '',
      ].join(' ');
      count(tally, key, packets);
    }
    return tally;
  };

  /**
   * What was counted since, once it is as much as it should be: a packet that is rejected may come late, because its
   * host first has to find the other one, and nobody waits for it.
   */
  async function countedSince(name: string, before: Tally, expected: Tally): Promise<Tally> {
    const until = performance.now() + 10_000;
    for (;;) {
      const now = await counted(name);
      const since = new Map([...now].map(([key, packets]) => [key, packets - (before.get(key) ?? 0)]));
      const isLate = [...expected].some(([key, packets]) => (since.get(key) ?? 0) < packets);
      if (!isLate || performance.now() > until) return since;
      await wait(50);
    }
  }

  /** Connection tracking takes no part in these, so that counters of what is allowed leave them out. */
  const isTracked = ({ flow: { traffic } }: Planned): boolean =>
    traffic.kind !== 'icmp' || [8, 13, 128].includes(traffic.type);

  const isTcp = (planned: Planned | undefined): boolean => planned?.flow.traffic.protocol === 6;

  const allows = (side: { verdict: string } | undefined): boolean => side?.verdict !== 'reject';

  /** Reasons that should have been counted on each host. */
  function expectedCounts(flows: readonly Planned[], decisions: readonly FlowDecision[]): Map<string, Tally> {
    const tallies = new Map(ENFORCED.map(({ name }): [string, Tally] => [name, new Map()]));
    for (const [at, planned] of flows.entries()) {
      const { source, destination } = decisions[at] ?? {};
      const note = (host: string, side: SideDecision | undefined): void => {
        const tally = tallies.get(host);
        if (side && tally && (side.verdict === 'reject' || isTracked(planned))) count(tally, reasonOf(side));
      };
      note(planned.from, source);
      if (allows(source)) note(planned.to, destination);
    }
    return tallies;
  }

  const timeout = 60_000 + PACKETS * 8;

  test(`agree on ${PACKETS} packets, for the same reasons`, { timeout }, async () => {
    process.stdout.write(`agreement: seed ${SEED}\n`);
    const rounds = Math.ceil(PACKETS / (FLOWS * 0.9));
    const random = fc.sample(tenants, { seed: SEED, numRuns: rounds });
    const rows = fc.sample(chances, { seed: SEED, numRuns: rounds * FLOWS });
    const disagreements: string[] = [];
    let [sent, allowed] = [0, 0];
    const reasons = new Set<string>();
    for (const [round, one] of random.entries()) {
      if (sent >= PACKETS) break;
      const tenant = tenantFrom(one);
      const flows = flowsOf(tenant, rows.slice(round * FLOWS, (round + 1) * FLOWS));
      const policies = policiesOf(viewOf(tenant.entries));
      const reference = new Reference(tenant.entries);
      const decisions = flows.map(({ flow }) => evaluate(flow, policies));
      await enforce(tenant);
      const before = new Map(
        await Promise.all(ENFORCED.map(async ({ name }) => [name, await counted(name)] as const)),
      );
      const isThrough = (at: number): boolean => decisions[at]?.verdict === 'allow';
      const seen = await probes.send(
        flows.map(({ probe }) => probe),
        at => ({ arrived: isThrough(at), answered: isThrough(at) && isTcp(flows[at]) }),
        { grace: 30 },
      );
      sent += flows.length;
      allowed += flows.filter((_, at) => isThrough(at)).length;
      for (const [at, planned] of flows.entries()) {
        const { from, to, traffic } = planned.probe;
        const plain = reference.evaluate(planned.flow);
        const said = {
          evaluate: decisions[at]?.verdict === 'allow',
          reference: allows(plain.source) && allows(plain.destination),
          wire: seen[at]?.arrived,
        };
        if (said.evaluate !== said.reference || said.evaluate !== said.wire)
          disagreements.push(
            `round ${round}: ${from} → ${to} ${printTraffic(traffic)}: ${JSON.stringify(said)} ${JSON.stringify(decisions[at])}`,
          );
        else if (said.wire && isTcp(planned) && !seen[at]?.answered)
          disagreements.push(
            `round ${round}: ${from} → ${to} ${printTraffic(traffic)}: allowed, but not answered`,
          );
      }
      for (const [name, tally] of expectedCounts(flows, decisions)) {
        const there = await countedSince(name, before.get(name) ?? new Map(), tally);
        for (const key of new Set([...tally.keys(), ...there.keys()])) {
          reasons.add(key);
          const [is, should] = [there.get(key) ?? 0, tally.get(key) ?? 0];
          if (is !== should)
            disagreements.push(`round ${round}: ${name} counted ${is}, not ${should}: ${key}`);
        }
      }
      if (disagreements.length > 0) break;
    }
    process.stdout.write(
      `agreement: ${sent} packets, ${allowed} allowed, ${reasons.size} different reasons, ${disagreements.length} disagreements\n`,
    );
    expect(disagreements.slice(0, 10)).toEqual([]);
  });
});

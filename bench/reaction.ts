import { setTimeout as sleep } from 'node:timers/promises';
import { missing } from '../local/hosts/missing.ts';
import { enforcing, type Fleet, NAMESPACE, openFleet } from '../test/net/fleet.ts';
import { openProbes, type Probes } from '../test/net/hosts/probes.ts';
import { until } from '../test/net/until.ts';
import type { Bench, Row } from './row.ts';

const CHANGES = 100;
/** Probes in a row that must agree: one alone may have been late. */
const SURE = 3;
const FLOW = { from: '10.0.0.1', to: '10.0.0.2', traffic: { kind: 'ports', protocol: 6, port: 80 } as const };

const arrives = async (probes: Probes): Promise<boolean> =>
  (await probes.send([FLOW], () => ({ arrived: true }), { patience: 15, grace: 0 }))[0]?.arrived ?? false;

/** Milliseconds from now until the wire does as wanted, and goes on to. */
async function untilWire(probes: Probes, wanted: boolean): Promise<number> {
  const begun = performance.now();
  let first = 0;
  for (let agreed = 0; agreed < SURE; ) {
    const at = performance.now();
    if (at - begun > 30_000) throw new Error('the change was not on the wire after 30 seconds');
    if ((await arrives(probes)) !== wanted) agreed = 0;
    else if (++agreed === 1) first = at;
  }
  return first - begun;
}

const rule = (action: 'Allow' | 'Reject', object: string) => ({
  action,
  object: [[object]],
  protocolPorts: ['tcp/80'],
});

async function measure(fleet: Fleet, probes: Probes): Promise<number[]> {
  const { client } = fleet;
  const body = { name: 'web to db', subject: [['app=db']], incomingRules: [rule('Allow', 'app=web')] };
  await client.call('createNetworkrulesetpolicy', {
    namespace: NAMESPACE,
    body: { name: 'out', subject: [['app=web']], outgoingRules: [rule('Allow', 'app=db')] },
  });
  const { ID: id } = (await client.call('createNetworkrulesetpolicy', { namespace: NAMESPACE, body })).body;
  await untilWire(probes, true);
  const times: number[] = [];
  for (let change = 0; change < CHANGES; change++) {
    // So that changes fall anywhere between two polls.
    await sleep(Math.random() * 1000);
    const action = change % 2 === 0 ? 'Reject' : 'Allow';
    const incomingRules = [rule(action, 'app=web')];
    await client.call('patchNetworkrulesetpolicy', {
      namespace: NAMESPACE,
      params: { id },
      body: { incomingRules },
    });
    times.push(await untilWire(probes, action === 'Allow'));
  }
  return times.sort((a, b) => a - b);
}

/** From the API's acknowledgement of a change to the first packet that is let through, or not, as it says. */
export const bench: Bench = {
  name: 'reaction',
  run: async () => {
    const lacking = missing();
    if (lacking.length > 0) {
      process.stdout.write(`skipped: it needs ${lacking.join(', ')}\n`);
      return [];
    }
    const fleet = await openFleet([
      { name: 'web', addresses: [FLOW.from], tags: ['app=web'] },
      { name: 'db', addresses: [FLOW.to], tags: ['app=db'] },
    ]);
    const probes = await openProbes(fleet.network);
    try {
      const agents = [
        await fleet.start('web', '--interval', '1'),
        await fleet.start('db', '--interval', '1'),
      ];
      for (const agent of agents) await enforcing(agent);
      await until('both units to be known', () =>
        agents.every(agent => agent.status()?.active) ? true : undefined,
      );
      const times = await measure(fleet, probes);
      const at = (share: number): number =>
        times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0;
      const peer = { value: 1000, unit: 'ms', what: 'the interval between two polls' };
      const name = 'change acknowledged → on the wire, poll interval 1 s';
      return [
        { name: `${name}, p50`, value: at(0.5), unit: 'ms', peer },
        { name: `${name}, p99 of ${CHANGES}`, value: at(0.99), unit: 'ms', peer },
      ] satisfies Row[];
    } finally {
      await probes.close();
      await fleet.close();
    }
  },
};

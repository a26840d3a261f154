import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '../../shared/api/client.ts';
import { NetworkIndex } from '../../shared/core/cidr.ts';
import { fail } from '../../shared/schema/failure.ts';
import type { ControlPlane } from '../control-plane.ts';
import { refuseSecondDemo, stageOf } from '../demo.ts';
import { missing } from '../hosts/missing.ts';
import { type Network, openNetwork } from '../hosts/network.ts';
import { openUplink } from '../hosts/uplink.ts';
import { openVisitor, type Visitor } from '../hosts/visits.ts';
import { enforceAll, onboard, registerUnits, type Stage, until, writePolicy } from '../play.ts';
import { ENFORCERS, EXTERNAL_NETWORKS, TENANT } from '../scenario.ts';
import { type DemoAgent, startAgent } from './agents.ts';
import { CONNECTIONS, checkScenario, ENDS, type End, PORTS } from './ends.ts';
import { type Measured, matrixLines, type Verdict } from './matrix.ts';

/** Milliseconds until a connection that nobody answers counts as rejected. */
const PATIENCE = 900;

/** The hosts of the demo, and what runs on them. */
export interface DemoHosts {
  network: Network;
  /** Where the control plane listens, so that the hosts reach it. */
  address: string;
  close(): Promise<void>;
  readonly agents: DemoAgent[];
  readonly visitors: Map<string, Visitor>;
}

/** Fails with `unavailable` and what is missing, where hosts can't be made. */
export async function openDemoHosts(): Promise<DemoHosts> {
  const lacking = missing();
  if (lacking.length > 0)
    throw fail(
      'unavailable',
      `--enforce needs ${lacking.join(', ')}; without it --demo plays the same and enforces nothing`,
    );
  checkScenario();
  const network = await openNetwork(ENDS.map(({ host, address }) => ({ name: host, addresses: [address] })));
  const agents: DemoAgent[] = [];
  const visitors = new Map<string, Visitor>();
  return {
    network,
    agents,
    visitors,
    address: (await openUplink(network)).address,
    close: async () => {
      await Promise.all([
        ...agents.map(agent => agent.stop()),
        ...[...visitors.values()].map(one => one.close()),
      ]);
      await network.close();
    },
  };
}

const index = new NetworkIndex(EXTERNAL_NETWORKS.map(({ entries }) => entries));
const networksOf = (address: string): string =>
  index
    .find(address, undefined)
    .map(({ network }) => EXTERNAL_NETWORKS[network]?.name)
    .join(' and ');

async function startHosts({ network, visitors }: DemoHosts, say: Stage['say']): Promise<void> {
  for (const { name, host, address, isEnforced } of ENDS) {
    const visitor = openVisitor(network.host(host));
    visitors.set(name, visitor);
    await visitor.listen(PORTS);
    const what = isEnforced
      ? 'with an agent'
      : name === address
        ? `in ${networksOf(address)}`
        : 'without an agent';
    say(`  ${name.padEnd(13)} ${address.padEnd(13)} ${network.host(host).netns.padEnd(30)} ${what}`);
  }
}

/** Starts the agents and waits until each enforces a policy that knows its own unit. */
async function startAgents({ network, agents }: DemoHosts, stage: Stage, data: string): Promise<void> {
  for (const { name, host, unit } of ENDS.filter(end => end.isEnforced)) {
    const enforcer = ENFORCERS.find(({ namespace }) => namespace === unit?.namespace);
    if (!enforcer || !unit) throw new Error(`${name} has no enforcer`);
    const folder = join(data, 'demo', name);
    const { namespace, tags } = unit;
    agents.push(startAgent({ host: network.host(host), name, namespace, tags, data, folder }));
  }
  for (const agent of agents) {
    const { namespace } = ENDS.find(({ name }) => name === agent.name)?.unit ?? {};
    const { ID, bundle } = await until(`the agent of ${agent.name} to enforce`, async () => {
      if (!agent.isRunning()) throw fail('unavailable', `the agent of ${agent.name} ended: ${agent.said()}`);
      return enforcing(stage.client, namespace ?? '', agent.name);
    });
    stage.say(`  ${agent.name}: enforcer ${ID} enforces revision ${bundle?.revision} of ${namespace}`);
  }
}

async function enforcing(client: Client, namespace: string, name: string) {
  const { body: enforcers } = await client.call('listEnforcer', { namespace });
  const { body: units } = await client.call('listProcessingunit', { namespace });
  const isKnown = units.some(unit => unit.name === name && unit.addresses.length > 0);
  const found = enforcers.find(one => one.name === name && one.enforcementStatus === 'Active');
  return isKnown ? found : undefined;
}

const endOf = ({ address, unit }: End) =>
  unit ? { tags: unit.tags, namespace: unit.namespace, address } : { address };

async function evaluated(client: Client): Promise<Verdict[]> {
  const verdicts: Verdict[] = [];
  for (const { from, to, port } of CONNECTIONS) {
    const body = { source: endOf(from), destination: endOf(to), protocolPort: `tcp/${port}` };
    const namespace = `/${(from.unit ?? to.unit)?.namespace.split('/')[1]}`;
    verdicts.push((await client.call('decideFlow', { namespace, body })).body.verdict);
  }
  return verdicts;
}

async function onTheWire({ visitors }: DemoHosts): Promise<Verdict[]> {
  const reached = new Map<(typeof CONNECTIONS)[number], boolean>();
  await Promise.all(
    ENDS.map(async end => {
      const mine = CONNECTIONS.filter(({ from }) => from === end);
      const visits = mine.map(({ to, port }) => ({ from: end.address, to: to.address, port }));
      const results = (await visitors.get(end.name)?.visit(visits, PATIENCE)) ?? [];
      for (const [at, connection] of mine.entries()) reached.set(connection, results[at] ?? false);
    }),
  );
  return CONNECTIONS.map(connection => (reached.get(connection) ? 'allow' : 'reject'));
}

/** Tries everything, again and again for a while: the last change is on its way to the hosts. */
async function measure(hosts: DemoHosts, client: Client): Promise<Measured[]> {
  const said = await evaluated(client);
  let measured: Measured[] = [];
  for (let round = 0; round < 20; round++) {
    const wire = await onTheWire(hosts);
    measured = CONNECTIONS.map((connection, at) => ({
      ...connection,
      evaluated: said[at] ?? 'reject',
      wire: wire[at] ?? 'reject',
    }));
    if (measured.every(one => one.evaluated === one.wire)) break;
    await sleep(500);
  }
  return measured;
}

/** Plays the scenario on hosts of its own: real agents, real packets. */
export async function enforcedDemo(
  plane: ControlPlane,
  hosts: DemoHosts,
  { data, say }: { data: string; say: (text: string) => void },
): Promise<Measured[]> {
  const stage = await stageOf(plane, say);
  await refuseSecondDemo(stage);
  say('1. Three cloud accounts are onboarded');
  await onboard(stage);
  say('\n2. The policy of a two-tier shop is written in the tenant');
  await writePolicy(stage);
  say('\n3. Hosts, each in a network namespace of its own');
  await startHosts(hosts, say);
  say('\n4. A processing unit without an agent is registered; agents register the others');
  await registerUnits(
    stage,
    ENDS.flatMap(({ unit, isEnforced }) => (unit && !isEnforced ? unit : [])),
  );
  await startAgents(hosts, stage, resolve(data));
  say('\n5. Discovery ends: what no rule allows is rejected from now on');
  await enforceAll(stage);
  say('\n6. Who may talk to whom');
  const measured = await measure(hosts, stage.client);
  for (const line of matrixLines(measured)) say(line);
  const web = hosts.network.host('web-1');
  const state = join(resolve(data), 'demo/web-1');
  say(`
Control plane, agents and hosts go on running. In another terminal, here in ${process.cwd()}, look at web-1:

  npx prisma-enforcer status --state ${state}
  npx prisma-enforcer explain 10.1.0.10 10.2.0.20 tcp/5432 --state ${state}
  ${web.enter.join(' ')} nft list table inet prisma

Connect from web-1 to db-1, take the ruleset of db-1 away, and connect again a second later:

  ${web.enter.join(' ')} timeout 1 bash -c '</dev/tcp/10.2.0.20/5432' && echo connected || echo rejected
  export APOCTL_CREDS=${join(resolve(data), 'admin.creds')}
  npx apoctl api delete networkrulesetpolicy db -n /${TENANT}

Ctrl-C ends everything, takes the hosts away, and the folder too unless --data named it.`);
  return measured;
}

import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Host } from '../../local/hosts/network.ts';
import { enforcing, type Fleet, NAMESPACE, openFleet, put } from './fleet.ts';
import { openProbes, type Wanted } from './hosts/probes.ts';
import { until } from './until.ts';

let fleet: Fleet;
beforeAll(async () => {
  fleet = await openFleet([
    { name: 'node', addresses: ['10.0.0.1'], tags: [], ownLinks: true },
    { name: 'hub', addresses: ['10.0.0.2'], tags: [], ownLinks: true },
  ]);
}, 60_000);
const containers: string[] = [];
afterAll(async () => {
  for (const netns of containers) ip('netns', 'del', netns);
  await fleet?.close();
});

const ip = (...args: string[]): string => execFileSync('ip', args, { encoding: 'utf8' });

test('units on a bridge whose packets pass no rules are told, with what to do, until they do', async () => {
  const { run } = fleet.network.host('node');
  const setting = (value: 0 | 1) => run('sysctl', ['-qw', `net.bridge.bridge-nf-call-iptables=${value}`]);
  await run('ip', ['link', 'add', 'units0', 'type', 'bridge']);
  await run('ip', ['addr', 'add', '10.9.0.1/24', 'dev', 'units0']);
  await run('ip', ['link', 'set', 'units0', 'up']);
  await setting(0);
  const units = join(fleet.place, 'units.yaml');
  put(units, 'units:\n  - {name: one, tags: [app=one], addresses: [10.9.0.7]}\n');
  const agent = await fleet.start('node', '--units', units);
  await enforcing(agent);
  const trouble = () => agent.status()?.troubles.bridge?.detail;
  expect(await until('the trouble', trouble)).toBe(
    'what processing units on the bridge units0 say to each other over IPv4 passes no rules: ' +
      'modprobe br_netfilter && sysctl net.bridge.bridge-nf-call-iptables=1',
  );
  expect(agent.err()).toContain('"trouble":"bridge"');
  await setting(1);
  agent.process.kill('SIGHUP');
  await until('its end', () => agent.status()?.troubles.bridge === undefined);
});

/** A container with one address, on a port of a bridge of a host. */
function onBridge(host: Host, bridge: string, name: string, address: string): Host {
  const netns = `microseg-${process.pid}-${name}`;
  ip('netns', 'add', netns);
  containers.push(netns);
  ip('-n', host.netns, 'link', 'add', name, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', netns);
  ip('-n', host.netns, 'link', 'set', name, 'master', bridge, 'up');
  ip('-n', netns, 'addr', 'add', `${address}/24`, 'dev', 'eth0');
  ip('-n', netns, 'link', 'set', 'eth0', 'up');
  const enter: Host['enter'] = ['nsenter', `--net=/run/netns/${netns}`];
  const run: Host['run'] = async (program, args) =>
    execFileSync(enter[0], [...enter.slice(1), program, ...args], { encoding: 'utf8' });
  return { name, addresses: [address], netns, enter, run };
}

test('what units on one bridge say to each other passes undecided, and by their policy once the bridge asks for it', async () => {
  const hub = fleet.network.host('hub');
  const setting = (value: 0 | 1) => hub.run('sysctl', ['-qw', `net.bridge.bridge-nf-call-iptables=${value}`]);
  const [ONE, TWO] = ['10.9.1.7', '10.9.1.8'];
  await hub.run('ip', ['link', 'add', 'units1', 'type', 'bridge']);
  await hub.run('ip', ['addr', 'add', '10.9.1.1/24', 'dev', 'units1']);
  await hub.run('ip', ['link', 'set', 'units1', 'up']);
  const hosts = [onBridge(hub, 'units1', 'one', ONE), onBridge(hub, 'units1', 'two', TWO)];
  await setting(0);
  await fleet.client.call('createNetworkrulesetpolicy', {
    namespace: NAMESPACE,
    body: {
      name: 'one to two',
      subject: [['app=one'], ['app=two']],
      incomingRules: [{ action: 'Allow', object: [['app=one']], protocolPorts: ['tcp/80'] }],
      outgoingRules: [{ action: 'Allow', object: [['app=two']], protocolPorts: ['tcp/80'] }],
    },
  });
  const units = join(fleet.place, 'hub.yaml');
  const unit = (name: string, address: string) =>
    `  - {name: ${name}, tags: [app=${name}], addresses: [${address}]}\n`;
  put(units, `units:\n${unit('one', ONE)}${unit('two', TWO)}`);
  const agent = await fleet.start('hub', '--units', units);
  await enforcing(agent);
  const probes = await openProbes({ hosts });
  try {
    const flow = (from: string, to: string, port: number): Wanted => ({
      from,
      to,
      traffic: { kind: 'ports', protocol: 6, port },
    });
    const flows = [flow(ONE, TWO, 80), flow(ONE, TWO, 81), flow(TWO, ONE, 80)];
    const through = async (expected: readonly boolean[]): Promise<boolean[]> => {
      const seen = await probes.send(flows, at => ({ arrived: expected[at] ?? false }));
      return seen.map(({ arrived }) => arrived);
    };
    await until('the trouble', () => agent.status()?.troubles.bridge);
    expect(agent.err()).toContain('units on the bridge units1 say to each other over IPv4 passes no rules');
    const all = [true, true, true];
    expect(await through(all), 'past the rules').toEqual(all);
    await setting(1);
    agent.process.kill('SIGHUP');
    await until('its end', () => {
      const now = agent.status();
      return now !== undefined && now.troubles.bridge === undefined;
    });
    const allowed = [true, false, false];
    await until('the policy of both', async () => `${await through(allowed)}` === `${allowed}`);
    expect(await through(allowed), 'through the rules').toEqual(allowed);
  } finally {
    await probes.close();
  }
});

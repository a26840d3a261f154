import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { enforcing, type Fleet, openFleet, put } from './fleet.ts';
import { until } from './until.ts';

let fleet: Fleet;
beforeAll(async () => {
  fleet = await openFleet([{ name: 'node', addresses: ['10.0.0.1'], tags: [], ownLinks: true }]);
}, 60_000);
afterAll(() => fleet?.close());

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

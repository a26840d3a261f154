import { afterAll, beforeAll, expect, test } from 'vitest';
import { enforcing, type Fleet, NAMESPACE, openFleet, type RealAgent } from './fleet.ts';
import { until } from './until.ts';

let fleet: Fleet;
let agent: RealAgent;
const run = (program: string, args: string[], input?: string) =>
  fleet.network.host('one').run(program, args, input);
beforeAll(async () => {
  fleet = await openFleet([{ name: 'one', addresses: ['10.0.0.1'], tags: [] }]);
  await run('sysctl', [
    '-qw',
    ...['all', 'default', 'lo'].map(link => `net.ipv6.conf.${link}.disable_ipv6=1`),
  ]);
  agent = await fleet.start('one');
}, 60_000);
afterAll(() => fleet?.close());

const troubles = () => agent.status()?.troubles;
/** What the control plane knows of the host's addresses. */
const known = async (): Promise<readonly string[]> =>
  (await fleet.client.call('listProcessingunit', { namespace: NAMESPACE })).body[0]?.addresses ?? [];

test('a host without IPv6 is enforced like any other', async () => {
  expect((await enforcing(agent)).troubles).toEqual({});
  expect(await run('nft', ['list', 'tables'])).toContain('inet prisma');
  expect(agent.err()).not.toContain('"trouble"');
});

test('a host with thousands of addresses, whose link with them vanishes, goes on', async () => {
  await run('ip', ['link', 'add', 'many', 'type', 'bridge']);
  const lines = Array.from(
    { length: 4000 },
    (_, at) => `addr add 10.77.${at >> 8}.${at & 255}/32 dev many\n`,
  );
  await run('ip', ['-batch', '-'], `${lines.join('')}link set many up\n`);
  agent.process.kill('SIGHUP');
  await until('its addresses', async () => (await known()).length > 1);
  expect(troubles()).toEqual({});
  await run('ip', ['link', 'del', 'many']);
  agent.process.kill('SIGHUP');
  await until('its addresses to be gone', async () => (await known()).length === 1);
  expect(troubles()).toEqual({});
});

test('a host whose only link vanishes holds its policy, and asks again when there is one', async () => {
  await run('ip', ['link', 'set', 'eth0', 'down']);
  await until('a trouble', () => troubles()?.polling !== undefined);
  expect(await run('nft', ['list', 'tables'])).toContain('inet prisma');
  await run('ip', ['link', 'set', 'eth0', 'up']);
  await run('ip', ['route', 'add', 'default', 'dev', 'eth0']);
  await until('its end', () => troubles()?.polling === undefined);
  expect(agent.process.exitCode).toBeNull();
});

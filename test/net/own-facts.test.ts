import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Fleet, NAMESPACE, NODE, openFleet, PROGRAM } from './fleet.ts';
import { until } from './until.ts';

let fleet: Fleet;
let agent: ChildProcess | undefined;
beforeAll(async () => {
  fleet = await openFleet([{ name: 'one', addresses: ['10.0.0.1'], tags: [] }]);
}, 60_000);
afterAll(async () => {
  agent?.kill('SIGKILL');
  await fleet?.close();
});

/** As its service runs it: root, that may make no namespaces. */
const CONFINED = ['setpriv', '--bounding-set', '-sys_admin'];

test('an agent that may make no namespaces tells whether the kernel takes its rules, and leaves none of what it tried', async () => {
  const folder = join(fleet.place, 'one');
  mkdirSync(folder, { mode: 0o700 });
  const { administrator, root } = fleet.controlPlane();
  const flags = ['run', '--creds', administrator, '--root', root, '-n', NAMESPACE, '--machine-id', 'one'];
  const line = [...NODE, PROGRAM, ...flags, '--name', 'one', '--state', folder];
  const [program, ...args] = [...fleet.beside('one'), ...CONFINED, ...line];
  agent = spawn(program as string, args, { stdio: 'ignore' });
  const facts = await until('its facts', async () => {
    const { body } = await fleet.client.call('listEnforcer', { namespace: NAMESPACE });
    return body[0]?.facts?.refusedRules && body[0].facts;
  });
  expect(facts.capabilities).toContain('NET_ADMIN');
  expect(facts.capabilities).not.toContain('SYS_ADMIN');
  expect(facts.refusedRules).toEqual([]);
  expect(facts.nft).toMatch(/^\d+\.\d+/);
  expect(facts.diskFree).toBeGreaterThan(0);
  expect(await fleet.network.host('one').run('nft', ['list', 'tables'])).toBe('table inet prisma\n');
  agent.kill('SIGTERM');
  expect(await once(agent, 'close')).toEqual([0, null]);
});

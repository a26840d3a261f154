import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readStatus, type Status } from '../../clients/enforcer/agent/status.ts';
import { CONTAINED, enforcing, type Fleet, NAMESPACE, NODE, openFleet, PROGRAM } from './fleet.ts';
import { until } from './until.ts';

let fleet: Fleet;
beforeAll(async () => {
  fleet = await openFleet([
    { name: 'one', addresses: ['10.0.0.1'], tags: [] },
    { name: 'two', addresses: ['10.0.0.2'], tags: [] },
    { name: 'shared', addresses: ['10.0.0.3'], tags: [] },
    { name: 'squatted', addresses: ['10.0.0.4'], tags: [] },
  ]);
});
const children: ChildProcess[] = [];
afterAll(async () => {
  for (const child of children) child.kill('SIGKILL');
  await fleet?.close();
});

test('a second agent on a host is refused, and the first goes on; on another host, or verifying only, it is none', async () => {
  const first = await fleet.start('one');
  await enforcing(first);
  const second = await fleet.start('one');
  const [code] = await once(second.process, 'close');
  expect(code).toBe(1);
  expect(second.err()).toMatch(
    new RegExp(`enforces here already, process ${first.process.pid}; end it first`),
  );
  expect(await fleet.command(first.host, 'status', '--state', first.folder)).toContain(
    `process ${first.process.pid}`,
  );
  const verifying = await fleet.start('one', '--no-enforce', '--state', `${fleet.place}/verifying`);
  await until('the other to verify', () => verifying.out().includes('revision') || undefined);
  await enforcing(await fleet.start('two'));
  await first.kill('SIGKILL');
  await enforcing(await fleet.start('one'));
});

/** An agent on a host in a container of its own, which shares nothing with the host but its network. */
function contained(host: string): () => Status | undefined {
  const folder = join(fleet.place, `${host}-contained`);
  mkdirSync(folder, { mode: 0o700 });
  const { administrator, root } = fleet.controlPlane();
  const flags = ['run', '--creds', administrator, '--root', root, '-n', NAMESPACE, '--machine-id', folder];
  const line = [...NODE, PROGRAM, ...flags, '--name', 'contained', '--state', folder];
  const [program, ...args] = [...fleet.beside(host), ...CONTAINED, ...line];
  children.push(spawn(program as string, args, { stdio: 'ignore' }));
  return () => readStatus(join(folder, 'status.json'));
}

test('an agent in a container is told of one that it can’t see, until that is gone', async () => {
  const first = await fleet.start('shared');
  await enforcing(first);
  const status = contained('shared');
  const said = await until('the trouble', () => status()?.troubles.others?.detail);
  expect(said).toMatch(
    /^another agent may enforce in this network namespace, .*: ss -xlp \| grep @prisma-enforcer$/,
  );
  expect(first.status()?.troubles.others).toBeUndefined();
  await first.kill('SIGKILL');
  await until('its end', () => {
    const now = status();
    return now !== undefined && now.troubles.others === undefined;
  });
});

/** Takes the name and says so. */
const SQUATTER = `require('node:net').createServer().listen('\\0prisma-enforcer', () => console.log('taken'))`;

test('whoever takes the agent’s name keeps no host without policy, and is told', async () => {
  const [program, ...args] = [...fleet.beside('squatted'), 'setpriv', '--reuid', '65534', '--clear-groups'];
  const squatter = spawn(program, [...args, process.execPath, '-e', SQUATTER], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(squatter);
  await once(squatter.stdout, 'data');
  const agent = await fleet.start('squatted');
  await enforcing(agent);
  await until('the trouble', () => agent.status()?.troubles.others !== undefined);
  squatter.kill();
  await until('its end', () => agent.status()?.troubles.others === undefined);
  expect(agent.process.exitCode).toBeNull();
});

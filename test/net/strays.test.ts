import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runningAgents } from '../../clients/enforcer/life/agent-process.ts';
import { enforcing, type Fleet, NAMESPACE, NODE, openFleet, PROGRAM, type RealAgent } from './fleet.ts';
import { until } from './until.ts';

let fleet: Fleet;
beforeAll(async () => {
  fleet = await openFleet([
    { name: 'one', addresses: ['10.0.0.1'], tags: [] },
    { name: 'two', addresses: ['10.0.0.2'], tags: [] },
    { name: 'container', addresses: ['10.0.0.3'], tags: [], ownProcesses: true },
  ]);
});
afterAll(() => fleet?.close());

const isThere = (pid: number): boolean =>
  existsSync(`/proc/${pid}/stat`) && !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
/** Nothing of what has ended meanwhile. */
const textAt = (path: string): string => (existsSync(path) ? readFileSync(path, 'utf8') : '');
const nameOf = (pid: number): string => textAt(`/proc/${pid}/comm`).trim();
const lineOf = (pid: number): string => textAt(`/proc/${pid}/cmdline`).replaceAll('\0', ' ');
const childrenOf = (pid: number): number[] =>
  readdirSync(`/proc/${pid}/task`).flatMap(thread =>
    textAt(`/proc/${pid}/task/${thread}/children`).split(' ').filter(Boolean).map(Number),
  );
const below = (pid: number): number[] => childrenOf(pid).flatMap(child => [child, ...below(child)]);

/** What an agent runs beside itself, and what does not end with it: the others read from it. By their numbers on this machine. */
const beside = (agent: RealAgent): Promise<number[]> =>
  until(`programs beside ${agent.host.name}`, () => {
    const found = below(agent.process.pid ?? 0).filter(pid => /^(nft .*monitor|tcpdump) /.test(lineOf(pid)));
    return new Set(found.map(nameOf)).size === 2 ? found : undefined;
  });

test('what a killed agent left is ended by the next one of its host, and nothing of others', async () => {
  const container = await fleet.start('container');
  const one = await fleet.start('one');
  await Promise.all([enforcing(container), enforcing(one)]);
  const [contained, left] = [await beside(container), await beside(one)];
  await one.kill('SIGKILL');
  const strays = left.filter(isThere);
  expect(strays.map(nameOf)).toEqual(expect.arrayContaining(['nft', 'tcpdump']));

  await enforcing(await fleet.start('two'));
  expect(contained.filter(isThere), 'of a container that has processes of its own').toEqual(contained);
  expect(strays.filter(isThere), 'of a host with another network').toEqual(strays);

  await enforcing(await fleet.start('one'));
  expect(strays.filter(isThere)).toEqual([]);
  expect(contained.filter(isThere)).toEqual(contained);
  expect(container.status()?.flows?.restarts).toBe(0);
});

test('an agent that is told by its folder is none of a container with a folder of that name', async () => {
  const folder = `${fleet.place}/told`;
  const { controlPlane } = fleet;
  const flags = ['run', '--no-enforce', '-n', NAMESPACE, '--name', 'told', '--machine-id', 'told'];
  const given = ['--creds', controlPlane().administrator, '--root', `${fleet.place}/data/root.json`];
  const started = (name: string): number => {
    const [program, ...args] = [...fleet.beside(name), ...NODE, PROGRAM, ...flags, ...given];
    const env = { ...process.env, ENFORCERD_STATE: folder };
    const child = spawn(program as string, args, { stdio: 'ignore', env });
    return child.pid ?? 0;
  };
  const contained = started('container');
  try {
    await until('the container', () => existsSync(`${folder}/status.json`));
    // The agent and who waits for it; what it has run for a moment is neither.
    const within = below(contained).filter(pid => lineOf(pid).includes(PROGRAM));
    expect(within).toHaveLength(2);
    expect(runningAgents(folder).filter(pid => within.includes(pid))).toEqual([]);
    const here = started('one');
    await until('an agent here', () => runningAgents(folder).includes(here));
    process.kill(here, 'SIGKILL');
  } finally {
    process.kill(contained, 'SIGKILL');
  }
});

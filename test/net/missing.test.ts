import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readStatus } from '../../clients/enforcer/agent/status.ts';
import { type Fleet, NAMESPACE, NODE, openFleet, PROGRAM } from './fleet.ts';
import { until } from './until.ts';

let fleet: Fleet;
beforeAll(async () => {
  fleet = await openFleet([{ name: 'one', addresses: ['10.0.0.1'], tags: [] }]);
}, 60_000);
afterAll(() => fleet?.close());

/** Runs an agent that finds these programs and no others. */
async function withPrograms(names: readonly string[], isSo: (folder: string) => boolean): Promise<string> {
  const [bin, folder] = [join(fleet.place, names.join('-') || 'none'), join(fleet.place, 'one')];
  mkdirSync(bin);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  for (const name of names)
    symlinkSync(
      ['/usr/sbin', '/usr/bin'].map(place => join(place, name)).find(existsSync) ?? '',
      join(bin, name),
    );
  const { administrator, root } = fleet.controlPlane();
  const flags = ['run', '--creds', administrator, '--root', root, '-n', NAMESPACE, '--machine-id', 'one'];
  const line = [...NODE, PROGRAM, ...flags, '--name', 'one', '--state', folder];
  const [program, ...args] = [...fleet.beside('one'), '/usr/bin/env', `PATH=${bin}`, ...line];
  const agent = spawn(program as string, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [agent.stdout, agent.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
  await until('it', () => isSo(folder), { instead: () => said });
  agent.kill('SIGTERM');
  await once(agent, 'close');
  return said;
}

test('with nft alone an agent enforces, and says once what it lacks and what to install', async () => {
  const said = await withPrograms(['nft'], folder => {
    const { active, troubles, flows } = readStatus(join(folder, 'status.json')) ?? {};
    return active !== undefined && troubles?.records !== undefined && (flows?.restarts ?? 0) > 3;
  });
  expect(await fleet.network.host('one').run('nft', ['list', 'tables'])).toContain('inet prisma');
  expect(said.match(/flows are not recorded: tcpdump: spawn tcpdump ENOENT; install tcpdump/g)).toHaveLength(
    1,
  );
  expect(said).not.toContain('broke off');
});

test('without nft it says so, and tries again', async () => {
  const said = await withPrograms([], folder =>
    Boolean(
      readStatus(join(folder, 'status.json'))?.refused?.detail.includes('install the package nftables'),
    ),
  );
  expect(said).toContain('install the package nftables');
});

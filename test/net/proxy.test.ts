import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readStatus } from '../../clients/enforcer/agent/status.ts';
import { type Fleet, NAMESPACE, NODE, openFleet, PROGRAM } from './fleet.ts';
import { until } from './until.ts';

const PROXY = fileURLToPath(new URL('hosts/proxy.ts', import.meta.url));

let fleet: Fleet;
const children: ChildProcess[] = [];
beforeAll(async () => {
  fleet = await openFleet([
    { name: 'one', addresses: ['10.0.0.1'], tags: [] },
    { name: 'proxy', addresses: ['10.0.0.9'], tags: [] },
  ]);
  const [program, ...args] = [...fleet.beside('proxy'), ...NODE, PROXY];
  const proxy = spawn(program as string, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(proxy);
  await once(proxy.stdout, 'data');
}, 60_000);
afterAll(async () => {
  for (const child of children) child.kill('SIGKILL');
  await fleet?.close();
});

test('an agent that asks through a proxy does not shut itself out from it', async () => {
  const folder = join(fleet.place, 'one');
  mkdirSync(folder, { mode: 0o700 });
  const { administrator, root, url } = fleet.controlPlane();
  // Only the proxy leads there.
  await fleet.network.host('one').run('ip', ['route', 'add', 'blackhole', `${new URL(url).hostname}/32`]);
  const flags = ['run', '--creds', administrator, '--root', root, '-n', NAMESPACE, '--machine-id', 'one'];
  const line = [...NODE, PROGRAM, ...flags, '--name', 'one', '--state', folder];
  const [program, ...args] = [...fleet.beside('one'), ...line];
  const named = { HTTP_PROXY: 'http://10.0.0.9:3128', NODE_USE_ENV_PROXY: '1' };
  const agent = spawn(program as string, args, { stdio: 'ignore', env: { ...process.env, ...named } });
  children.push(agent);
  const revision = () => readStatus(join(folder, 'status.json'))?.active?.revision;
  const first = await until('a policy', revision);
  await fleet.client.call('createExternalnetwork', {
    namespace: NAMESPACE,
    body: { name: 'x', entries: ['192.0.2.0/24'], associatedTags: ['net=x'] },
  });
  await fleet.client.call('createNetworkrulesetpolicy', {
    namespace: NAMESPACE,
    body: {
      name: 'x',
      subject: [['$identity=processingunit']],
      outgoingRules: [{ action: 'Allow', object: [['net=x']], protocolPorts: ['tcp/80'] }],
    },
  });
  await until('the next one', () => (revision() ?? 0) > first);
  expect(agent.exitCode).toBeNull();
});

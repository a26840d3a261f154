import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { enforcing, type Fleet, NAMESPACE, openFleet } from './fleet.ts';
import { until } from './until.ts';

let fleet: Fleet;
let folder: string;
beforeAll(async () => {
  fleet = await openFleet([{ name: 'db', addresses: ['10.0.0.2'], tags: ['app=db'] }]);
  folder = join(fleet.place, 'db');
  mkdirSync(folder, { mode: 0o700 });
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=256k,mode=700', 'tmpfs', folder]);
});
afterAll(async () => {
  (await fleet?.network) && execFileSync('umount', ['-l', folder]);
  await fleet?.close();
});

const ruleset = (name: string) => ({
  name,
  subject: [['app=db']],
  incomingRules: [{ action: 'Allow', object: [['app=web']], protocolPorts: ['tcp/80'] }],
});
const reported = async () =>
  (await fleet.client.call('listEnforcer', { namespace: NAMESPACE })).body[0]?.bundle;

/** Everything that is free. */
function fill(): void {
  const path = join(folder, 'filler');
  for (let bytes = 256 * 1024; bytes >= 1; bytes = Math.floor(bytes / 2)) {
    try {
      writeFileSync(path, Buffer.alloc(bytes), { flag: 'a' });
    } catch {
      // No room for so much.
    }
  }
}

test('with a full disk new policy is enforced all the same, and kept as soon as there is room', async () => {
  const agent = await fleet.start('db');
  const first = await enforcing(agent);
  fill();
  await fleet.client.call('createNetworkrulesetpolicy', { namespace: NAMESPACE, body: ruleset('one') });
  const revision = await until('the report', async () => {
    const bundle = await reported();
    return bundle?.state === 'applied' && bundle.revision > (first.active?.revision ?? 0)
      ? bundle.revision
      : undefined;
  });
  expect(agent.err()).toMatch(/"trouble":"disk".*ENOSPC/);
  expect(agent.process.exitCode).toBeNull();
  rmSync(join(folder, 'filler'));
  await fleet.client.call('createNetworkrulesetpolicy', { namespace: NAMESPACE, body: ruleset('two') });
  await until('the next one on disk', () =>
    (agent.status()?.active?.revision ?? 0) > revision ? true : undefined,
  );
  expect(agent.status()?.troubles.disk).toBeUndefined();
  await fleet.leave();
  await agent.kill('SIGKILL');
  const again = await fleet.start('db');
  await until('the start from disk', () =>
    /holds revision \d+ from disk/.test(again.out()) ? true : undefined,
  );
  expect(Number(/holds revision (\d+)/.exec(again.out())?.[1])).toBeGreaterThan(revision);
  await again.kill('SIGTERM');
});

test.each(['with what it kept', 'with nothing in it'])(
  'a read-only folder %s keeps no agent from enforcing',
  async what => {
    const host = fleet.network.host('db');
    await fleet.comeBack();
    if (what === 'with nothing in it')
      for (const name of readdirSync(folder)) rmSync(join(folder, name), { recursive: true });
    execFileSync('mount', ['-o', 'remount,ro', folder]);
    await host.run('nft', ['flush', 'ruleset']);
    const agent = await fleet.start('db');
    await until('the report', () => agent.out().includes('enforces revision') || undefined, {
      instead: agent.err,
    });
    expect(await host.run('nft', ['list', 'tables'])).toContain('inet prisma');
    expect(agent.err()).toMatch(/"trouble":"disk".*(EROFS|ENOENT)/);
    expect(agent.process.exitCode).toBeNull();
    await agent.kill('SIGTERM');
    execFileSync('mount', ['-o', 'remount,rw', folder]);
  },
);

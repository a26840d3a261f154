import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readStatus } from '../../../../clients/enforcer/agent/status.ts';

const PROGRAM = fileURLToPath(new URL('../../../../clients/enforcer/main.ts', import.meta.url));
const NODE = [process.execPath, '--disable-warning=ExperimentalWarning'] as const;

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'enforcer-outputs-'));
  writeFileSync(join(folder, 'root.json'), '{"signed":{"_type":"root"}}');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Where writing says: no space left on device. */
const FULL = () => openSync('/dev/full', 'w');

test('an agent whose output and log go to a full disk goes on', async () => {
  const who = ['-n', '/tenant/group', '--root', join(folder, 'root.json'), '--state', folder];
  const how = ['--auth-mode', 'token', '--token', 'x', '--api', 'http://127.0.0.1:9'];
  const args = [...NODE.slice(1), PROGRAM, 'run', '--no-enforce', ...who, ...how, '--machine-id', 'm'];
  const agent = spawn(NODE[0], args, { stdio: ['ignore', FULL(), FULL()] });
  const ended = once(agent, 'close');
  expect(await Promise.race([ended, wait(4000, 'goes on')])).toBe('goes on');
  agent.kill('SIGTERM');
  expect(await ended).toEqual([0, null]);
  expect(readStatus(join(folder, 'status.json'))).toBeUndefined();
});

test('a command whose output is lost does not end well', async () => {
  const told = spawn(NODE[0], [...NODE.slice(1), PROGRAM, '--help'], { stdio: ['ignore', FULL(), 'ignore'] });
  expect(await once(told, 'close')).toEqual([1, null]);
});

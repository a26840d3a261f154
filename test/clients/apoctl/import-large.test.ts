import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { progressLine, shareOf } from '../../../clients/apoctl/import-large.ts';
import { type ControlPlane, startControlPlane } from '../../../local/control-plane.ts';
import type { Client } from '../../../shared/api/client.ts';
import { type DataDirectory, dataDirectory } from '../../make/data-directory.ts';
import { administratorOf } from '../../make/process.ts';
import { quiet } from '../../make/state-machine.ts';
import { type Terminal, terminal } from './terminal.ts';

let directory: DataDirectory;
let plane: ControlPlane;
let client: Client;
let user: Terminal;
let namespace: string;
let tenants = 0;
beforeAll(async () => {
  directory = dataDirectory();
  plane = await startControlPlane({ data: directory.path, host: '127.0.0.1', port: 0, log: quiet });
  client = await administratorOf(directory.path);
});
afterAll(async () => {
  await plane.stop();
  await directory.stop();
});
beforeEach(async () => {
  const name = `t${++tenants}`;
  await client.call('createNamespace', { namespace: '/', body: { name, type: 'Tenant' } });
  namespace = `/${name}`;
  user = await terminal({ APOCTL_CREDS: plane.administrator, APOCTL_NAMESPACE: namespace });
  user.sleep = () => sleep(20);
  return () => user.leave();
});

const COUNT = 600;
const file = (more: object = {}) =>
  JSON.stringify({
    label: 'many',
    data: {
      externalnetworks: Array.from({ length: COUNT }, (_, at) => ({
        name: `n${at}`,
        entries: ['192.0.2.0/24'],
        ...(at === 300 ? more : {}),
      })),
    },
  });
const importFile = (...more: string[]) => user.type('api', 'import', '-f', '-', ...more);
const status = async (ID: string) =>
  (await client.call('getImport', { namespace, params: { id: ID } })).body.status;

describe('an import that is too much for one request', () => {
  test('is uploaded and waited for, with its progress on standard error and its report on the other', async () => {
    user.stdin = file();
    const first = await importFile();
    expect([first.code, first.out]).toEqual([0, `created ${COUNT}, updated 0, unchanged 0 (label many)\n`]);
    expect(first.err).toMatch(/^(waits to begin|checked \d+ of \d+|applied \d+ of \d+)\n/);
    expect((await importFile('-o', 'json')).out).toContain(`"unchanged": ${COUNT}`);
  });

  test('draws a bar where it can be written over, and leaves nothing of it', async () => {
    user.stdin = file();
    user.errIsScreen = true;
    const { err } = await importFile();
    expect(err).toMatch(/\r\[#+\.*\] (checked|applied) \d+ of 600/);
    expect(err).toMatch(/\r {70}\r$/);
  });

  test('fails with what was wrong and where, when it is refused', async () => {
    user.stdin = file({ entries: ['10.0.0.0/33'] });
    const { code, out, err } = await importFile();
    expect([code, out]).toEqual([1, '']);
    expect(err).toMatch(/error: Validation Error: data\.externalnetworks\[300\]: Attribute 'entries\[0\]'/);
    expect(err).toMatch(/error: import [0-9a-f]{24} is Refused: .*nothing was applied/);
    expect((await client.call('countExternalnetwork', { namespace })).total).toBe(0);
  });

  test('is only started with --no-wait, and looked at with --follow', async () => {
    user.stdin = file();
    const { code, out, err } = await importFile('--no-wait');
    expect(code).toBe(0);
    const ID = out.trim();
    expect(err).toContain(`apoctl api import -n ${namespace} --follow ${ID}`);
    const followed = await user.type('api', 'import', '--follow', ID);
    expect([followed.code, followed.out]).toEqual([
      0,
      `created ${COUNT}, updated 0, unchanged 0 (label many)\n`,
    ]);
    expect((await user.type('api', 'import', '--cancel', ID)).err).toContain('the import has ended');
  });

  test('goes on when whoever waits for it is interrupted, and says how to look at it', async () => {
    user.stdin = file();
    let looks = 0;
    user.sleep = async () => {
      if (++looks === 1) user.interrupt();
      await sleep(20);
    };
    const { code, out, err } = await importFile();
    expect([code, out]).toEqual([130, '']);
    const [, ID = ''] = /import ([0-9a-f]{24}) goes on without you/.exec(err) ?? [];
    expect(err).toContain(`--cancel ${ID}`);
    await expect.poll(() => status(ID), { timeout: 20_000 }).toBe('Succeeded');
  });

  test('is taken for any size with --large, also to remove what has the label', async () => {
    user.stdin =
      '{"label": "few", "data": {"externalnetworks": [{"name": "a", "entries": ["192.0.2.0/24"]}]}}';
    expect((await importFile('--large')).out).toBe('created 1, updated 0, unchanged 0 (label few)\n');
    const removed = await user.type('api', 'import', '--label', 'few', '--delete', '--large');
    expect(removed.out).toBe('created 0, updated 0, unchanged 0, removed 1 (label few)\n');
  });

  test('refuses a mode that there is not', async () => {
    user.stdin = file();
    expect(await importFile('--mode', 'Merge')).toMatchObject({
      code: 2,
      err: expect.stringContaining('--mode wants Import'),
    });
  });
});

test('progress counts looking and applying alike', () => {
  const run = { status: 'Validating' as const, total: 10, validated: 5, applied: 0 };
  expect([progressLine(run), shareOf(run)]).toEqual(['checked 5 of 10', 0.25]);
  const later = { ...run, status: 'Applying' as const, validated: 10, applied: 5 };
  expect([progressLine(later), shareOf(later)]).toEqual(['applied 5 of 10', 0.75]);
  expect(shareOf({ total: 0, validated: 0, applied: 0 })).toBe(0);
});

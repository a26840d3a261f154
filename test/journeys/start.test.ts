import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ApiError } from '../../shared/api/client.ts';
import { Credential } from '../../shared/schema/appcredential.ts';
import { Failure } from '../../shared/schema/failure.ts';
import { administratorOf, freePort, MAIN, type Started, scratch, start } from '../make/process.ts';

/** What a user is promised, in milliseconds, and how much slower a machine may be that others use too. */
const PROMISE = 3000;
const MARGIN = 4;

let folder: Awaited<ReturnType<typeof scratch>>;
let running: Started[];
beforeEach(async () => {
  folder = await scratch();
  running = [];
});
afterEach(async () => {
  await Promise.all(running.map(each => each.end('SIGKILL')));
  await folder.remove();
});

const begin = (data: string, port: number): Started => {
  const started = start(data, port);
  running.push(started);
  return started;
};

const urlOf = async (data: string): Promise<string> =>
  Credential.parse(JSON.parse(await readFile(join(data, 'admin.creds'), 'utf8'))).APIURL;

test('it starts in seconds, tells its URL and what to try, and keeps the credential to its owner', async () => {
  const data = join(folder.path, 'data');
  const times: number[] = [];
  for (let round = 0; round < 3; round += 1) {
    const plane = begin(data, 0);
    const { url, milliseconds } = await plane.listening;
    times.push(milliseconds);
    expect(await urlOf(data)).toBe(url);
    const client = await administratorOf(data);
    expect((await client.call('listAppcredential', { namespace: '/' })).body).toHaveLength(1);
    const { code, out, err } = await plane.end('SIGTERM');
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toContain(join(data, 'admin.creds'));
    expect(out.match(/^ {2}(export|npx) .*$/gm)).toHaveLength(3);
  }
  expect((await stat(join(data, 'admin.creds'))).mode & 0o777).toBe(0o600);
  process.stdout.write(`starts took ${times.map(Math.round).join(', ')} ms; the promise is ${PROMISE} ms\n`);
  expect(Math.min(...times)).toBeLessThan(PROMISE * MARGIN);
});

test('a second process on the same data is refused by the directory’s name, and the first goes on', async () => {
  const data = join(folder.path, 'data');
  const first = begin(data, 0);
  await first.listening;
  const { code, out, err } = await begin(data, 0).ended;
  expect({ code, out }).toEqual({ code: 1, out: '' });
  expect(err).toContain(`${data} is in use by another process`);
  const client = await administratorOf(data);
  expect((await client.call('countNamespace', { namespace: '/' })).status).toBe(204);
});

test('a port that is in use is refused by its number', async () => {
  const port = await freePort();
  const other = createServer().listen(port, '127.0.0.1');
  try {
    const { code, out, err } = await begin(join(folder.path, 'data'), port).ended;
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(err).toContain(`port ${port} is in use: stop what listens there, such as another npm start,`);
    expect(err).toContain(`npm start -- --data ${join(folder.path, 'data')} --port ${port + 1}\n`);
  } finally {
    other.close();
  }
});

test('SIGTERM under load: what was acknowledged is there, the rest was refused, and it ends with 0', async () => {
  const data = join(folder.path, 'data');
  const plane = begin(data, 0);
  await plane.listening;
  const client = await administratorOf(data);
  await client.call('createNamespace', { namespace: '/', body: { name: 'load' } });

  const acknowledged: string[] = [];
  let refused = 0;
  const work = async (worker: number): Promise<void> => {
    for (let index = 0; ; index += 1) {
      const name = `net-${worker}-${index}`;
      try {
        await client.call('createExternalnetwork', {
          namespace: '/load',
          body: { name, entries: ['10.0.0.0/8'] },
        });
        acknowledged.push(name);
      } catch (error) {
        expect(error).toSatisfy(
          (it: unknown) => (it instanceof Failure && it.kind === 'unavailable') || it instanceof ApiError,
        );
        if (error instanceof ApiError) expect(error.status).toBe(503);
        refused += 1;
        return;
      }
    }
  };
  const workers = Array.from({ length: 8 }, (_, worker) => work(worker));
  await expect.poll(() => acknowledged.length, { timeout: 20_000 }).toBeGreaterThan(50);
  const { code, signal, err } = await plane.end('SIGTERM');
  await Promise.all(workers);
  expect({ code, signal, err }).toEqual({ code: 0, signal: null, err: '' });
  expect(refused).toBe(8);

  const again = begin(data, 0);
  await again.listening;
  const { body } = await (await administratorOf(data)).call('listExternalnetwork', {
    namespace: '/load',
  });
  const names = new Set(body.map(network => network.name));
  expect(acknowledged.filter(name => !names.has(name))).toEqual([]);
});

/** Plays the demo below `folder` and stops it once it is done. Gives what it said, and what is in the folder meanwhile. */
const played = (...more: string[]): Promise<{ code: number | null; out: string; during: string[] }> =>
  new Promise(resolve => {
    const child = execFile(process.execPath, [MAIN, '--demo', '--port', '0', ...more], {
      cwd: folder.path,
      env: { TMPDIR: folder.path },
    });
    let out = '';
    let during: string[] = [];
    const hear = (text: string): void => {
      out += text;
      if (during.length > 0 || !out.includes('The control plane goes on running')) return;
      during = readdirSync(folder.path);
      child.kill('SIGINT');
    };
    child.stdout?.on('data', hear);
    child.stderr?.on('data', hear);
    child.on('close', code => resolve({ code, out, during }));
  });

test('a demo is played in a folder of its own, again and again, and Ctrl-C takes its folder away', async () => {
  for (const _ of [1, 2]) {
    const { code, out, during } = await played();
    expect(out).toContain('✔ allowed   web-1 → db-1');
    expect(during).toEqual([expect.stringMatching(/^microseg-demo-/)]);
    expect(out).toContain(
      `All of it is in ${join(folder.path, during[0] ?? '')}, which is removed at the end`,
    );
    expect([code, await readdir(folder.path)]).toEqual([0, []]);
  }
});

test('a demo that was given a folder leaves it', async () => {
  const { code, out } = await played('--data', 'kept');
  expect(out).not.toContain('is removed at the end');
  expect([code, await readdir(folder.path)]).toEqual([0, ['kept']]);
});

test('a demo beside what uses its port says how to play it all the same, and leaves no folder', async () => {
  const port = await freePort();
  const other = createServer().listen(port, '127.0.0.1');
  try {
    const { code, out } = await played('--port', String(port));
    expect(out).toContain(`npm start -- --demo --port ${port + 1}\n`);
    expect([code, await readdir(folder.path)]).toEqual([1, []]);
  } finally {
    other.close();
  }
});

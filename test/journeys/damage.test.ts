import { cp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import type { Client } from '../../shared/api/client.ts';
import { Credential } from '../../shared/schema/appcredential.ts';
import { administratorOf, scratch, start } from '../make/process.ts';

let folder: Awaited<ReturnType<typeof scratch>>;
/** Two data directories as they were left: by SIGTERM, and by kill -9 with commits in the write-ahead log. */
let closed: string;
let killed: string;
/** The copy that a test damages. */
let data: string;

const NAMES = Array.from({ length: 60 }, (_, index) => `network-${index}`);

const add = (client: Client, name: string) =>
  client.call('createExternalnetwork', { namespace: '/tenant', body: { name, entries: ['10.0.0.0/8'] } });

/** A tenant with an enforcer, its published bundle and all networks but the last. */
async function fill(): Promise<void> {
  const plane = start(closed, 0);
  await plane.listening;
  const client = await administratorOf(closed);
  await client.call('createNamespace', { namespace: '/', body: { name: 'tenant' } });
  const enforcer = { name: 'host-1', FQDN: 'host-1.example.com' };
  const { body } = await client.call('createEnforcer', { namespace: '/tenant', body: enforcer });
  for (const name of NAMES.slice(0, -1)) await add(client, name);
  const request = { namespace: '/tenant', params: { id: body.ID } };
  const access = (await client.call('createEnforcerCredentials', request)).body;
  await vi.waitFor(async () => {
    const headers = { 'x-amz-security-token': access.sessionToken };
    expect((await fetch(`${access.url}/metadata/timestamp.json`, { headers })).status).toBe(200);
  }, 10_000);
  await plane.end('SIGTERM');
}

beforeAll(async () => {
  folder = await scratch();
  closed = join(folder.path, 'closed');
  killed = join(folder.path, 'killed');
  await fill();
  await cp(closed, killed, { recursive: true });
  for (const [path, signal] of [
    [closed, 'SIGTERM'],
    [killed, 'SIGKILL'],
  ] as const) {
    const plane = start(path, 0);
    await plane.listening;
    await add(await administratorOf(path), NAMES.at(-1) ?? '');
    await plane.end(signal);
  }
});
afterAll(() => folder.remove());
beforeEach(async () => {
  data = join(folder.path, 'data');
  await cp(closed, data, { recursive: true });
});
afterEach(() => rm(data, { recursive: true }));

/**
 * Every file below the data directory with its bytes; the lock and its journal are SQLite's and say nothing, and what was being
 * written aside when the process ended is nobody's: the next start removes it.
 */
async function contents(): Promise<Record<string, string>> {
  const entries = await readdir(data, { recursive: true, withFileTypes: true });
  const files = entries
    .filter(entry => entry.isFile() && !entry.name.startsWith('lock') && !entry.parentPath.endsWith('~aside'))
    .map(entry => join(entry.parentPath, entry.name))
    .sort();
  const bytes = await Promise.all(files.map(async file => [file, await readFile(file, 'base64')]));
  return Object.fromEntries(bytes) as Record<string, string>;
}

/** The start ends with 1, names the file in one line, says what to do, and leaves every byte as it was. */
async function isRefused(file: string): Promise<void> {
  const before = await contents();
  const plane = start(data, 0);
  const exit = await Promise.race([plane.ended, plane.listening.then(() => 'it started' as const)]);
  await plane.end('SIGKILL');
  expect(exit, file).toMatchObject({ code: 1, out: '' });
  if (exit === 'it started') return;
  expect(exit.err).toMatch(/^microseg: [^\n]+\n$/);
  expect(exit.err).toContain(file);
  expect(exit.err).toMatch(/restore|chmod|move it away/);
  const after = await contents();
  expect(Object.keys(after)).toEqual(Object.keys(before));
  expect(Object.keys(after).filter(name => after[name] !== before[name])).toEqual([]);
}

async function flip(file: string, place: number): Promise<void> {
  const bytes = await readFile(file);
  const at = place < 0 ? bytes.length + place : place;
  bytes[at] = (bytes[at] ?? 0) ^ 0x01;
  await writeFile(file, bytes);
}

async function cut(file: string, bytes: number): Promise<void> {
  await truncate(file, (await readFile(file)).length - bytes);
}

/** A byte in the middle of some text that the file holds. */
async function within(file: string, text: string): Promise<number> {
  const place = (await readFile(file)).indexOf(text);
  expect(place, `${file} holds ${text}`).toBeGreaterThan(0);
  return place + Math.floor(text.length / 2);
}

const names = async (): Promise<string[]> => {
  const { body } = await (await administratorOf(data)).call('listExternalnetwork', { namespace: '/tenant' });
  return body.map(network => network.name).sort();
};

test('an undamaged copy starts, closed or killed, and holds everything', async () => {
  for (const copy of [closed, killed]) {
    await rm(data, { recursive: true });
    await cp(copy, data, { recursive: true });
    const plane = start(data, 0);
    await plane.listening;
    expect(await names()).toEqual([...NAMES].sort());
    expect((await plane.end('SIGTERM')).code).toBe(0);
  }
});

test.for([
  ['in its header', 10],
  ['in its schema', 'CREATE TABLE items'],
  ['in the value of an object', '"name":"network-7"'],
] as const)('the database with a byte changed %s is refused', async ([, place]) => {
  const file = join(data, 'microseg.db');
  await flip(file, typeof place === 'number' ? place : await within(file, place));
  await isRefused(file);
});

test('the database cut short, emptied or removed is refused', async () => {
  const file = join(data, 'microseg.db');
  await cut(file, 4096);
  await isRefused(file);
  await truncate(file, 0);
  await isRefused(file);
  await rm(file);
  await isRefused(file);
});

test('after a kill, damage is refused and the log of commits stays', async () => {
  await rm(data, { recursive: true });
  await cp(killed, data, { recursive: true });
  const log = join(data, 'microseg.db-wal');
  const whole = await readFile(log);
  // In the first frame: damage within the very last commit can't be told from a crash, and the log may hold but two.
  await flip(log, 100);
  await isRefused(log);
  await writeFile(log, whole);
  const database = join(data, 'microseg.db');
  await flip(database, await within(database, '"name":"network-7"'));
  await isRefused(database);
});

test('a byte changed anywhere in the database is refused, or changes nothing that is read', async () => {
  const file = join(data, 'microseg.db');
  const whole = await readFile(file);
  let refusals = 0;
  for (let round = 0; round < 8; round += 1) {
    const place = Math.floor(Math.random() * whole.length);
    await flip(file, place);
    const plane = start(data, 0);
    const started = await plane.listening.then(
      () => true,
      () => false,
    );
    if (started) expect(await names(), `byte ${place}`).toEqual([...NAMES].sort());
    else refusals += 1;
    const { err } = await plane.end('SIGKILL');
    if (!started) expect(err, `byte ${place}`).toContain(file);
    await rm(data, { recursive: true });
    await cp(closed, data, { recursive: true });
  }
  process.stdout.write(`${refusals} of 8 changed bytes were refused; the others were in unused space\n`);
});

test('a damaged object of the bucket is refused', async () => {
  const bundles = join(data, 'bucket', 'bundles');
  const [namespace = ''] = await readdir(bundles);
  const timestamp = join(bundles, namespace, 'metadata', 'timestamp.json~');
  const targets = join(bundles, namespace, 'targets');
  const payload = join(targets, (await readdir(targets)).find(name => name.includes('policy')) ?? '');
  const root = join(data, 'bucket', 'root', '1.root.json~');
  for (const file of [timestamp, payload, root]) {
    const whole = await readFile(file);
    await flip(file, -20);
    await isRefused(file);
    await writeFile(file, whole);
  }
  await cut(timestamp, 1);
  await isRefused(timestamp);
});

test.for([
  ['root', 'changed'],
  ['targets', 'cut short'],
  ['snapshot', 'removed'],
  ['timestamp', 'changed'],
  ['token', 'removed'],
] as const)('the %s key %s is refused, and no other is made', async ([name, how]) => {
  const file = join(data, 'keys', `${name}.pem`);
  if (how === 'changed') await flip(file, 100);
  if (how === 'cut short') await cut(file, 40);
  if (how === 'removed') await rm(file);
  await isRefused(file);
});

test('the administrator’s credential with any attribute changed, or cut short, is refused', async () => {
  const file = join(data, 'admin.creds');
  const whole = await readFile(file);
  const credential = Credential.parse(JSON.parse(whole.toString()));
  for (const attribute of [
    'ID',
    'name',
    'namespace',
    'certificate',
    'certificateKey',
    'certificateAuthority',
  ] as const) {
    const value = credential[attribute];
    const end = whole.indexOf(`"${attribute}": "${value}"`) + attribute.length + 5 + value.length;
    await flip(file, end - Math.ceil(value.length / 2));
    await isRefused(file);
    await writeFile(file, whole);
  }
  await cut(file, 200);
  await isRefused(file);
  await truncate(file, 0);
  await isRefused(file);
});

import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Updater } from 'tuf-js';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { sealReleases } from '../../shared/bundle/releases.ts';
import { enforcerrelease } from '../../shared/schema/enforcerrelease.ts';
import { ROOT } from '../../shared/schema/ids.ts';
import { makeKeys, makeSigner } from '../make/keys.ts';
import { make } from '../make/objects.ts';
import { DAY, type Files, HOUR, later, published, TestRepository } from '../make/repository.ts';

const body = (version: string) => Buffer.from(`agent ${version}`);
const digest = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const nameOf = (version: string) => `agent-${version}.tgz`;
const release = (version: string, more: object = {}) =>
  make('enforcerrelease', ROOT, {
    version,
    artifacts: [
      {
        name: nameOf(version),
        platform: 'linux',
        architecture: 'any',
        length: body(version).length,
        sha256: digest(body(version)),
      },
    ],
    ...more,
  });
type Release = ReturnType<typeof release>;

/** What a publisher does, over a map instead of a bucket. */
class Catalogue {
  readonly files: Files = new Map();
  readonly repository: TestRepository;
  constructor(repository: TestRepository) {
    this.repository = repository;
  }
  async publish(releases: readonly Release[], now: Date) {
    const { roots, keys } = this.repository;
    const { targets, snapshot, timestamp } = keys;
    const previous = published(this.files);
    const signers = { targets, snapshot, timestamp };
    const sealed = await sealReleases({ roots, signers, now, releases, ...(previous ? { previous } : {}) });
    if (sealed.outcome === 'unchanged') return sealed.outcome;
    for (const { key, body: bytes, write } of sealed.files) {
      if (write === 'create') expect(this.files.has(key)).toBe(false);
      this.files.set(key, bytes);
    }
    return sealed.files.map(({ key }) => key);
  }
}

const folder = mkdtempSync(join(tmpdir(), 'microseg-releases-'));
let url = '';
let served: Files = new Map();
const server = createServer((request, response) => {
  const found = served.get((request.url ?? '').slice(1));
  response.writeHead(found ? 200 : 404).end(found);
});
beforeAll(async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: later(HOUR) });
  await new Promise<void>(listening => server.listen(0, '127.0.0.1', listening));
  const address = server.address();
  if (address && typeof address === 'object') url = `http://127.0.0.1:${address.port}`;
});
afterAll(() => {
  vi.useRealTimers();
  server.closeAllConnections();
  server.close();
  rmSync(folder, { recursive: true });
});

let clients = 0;
/** Downloads a release as an agent's installer would: with the client of another author. */
async function download(
  catalogue: Catalogue,
  version: string,
  now = later(HOUR),
): Promise<string | undefined> {
  vi.setSystemTime(now);
  served = catalogue.files;
  clients += 1;
  const metadataDir = join(folder, String(clients));
  const targetDir = join(metadataDir, 'targets');
  mkdirSync(targetDir, { recursive: true });
  writeFileSync(join(metadataDir, 'root.json'), catalogue.repository.roots[0] ?? '');
  const updater = new Updater({
    metadataDir,
    metadataBaseUrl: `${url}/metadata`,
    targetDir,
    targetBaseUrl: `${url}/targets`,
    config: { fetchRetry: false },
  });
  await updater.refresh();
  const target = await updater.getTargetInfo(nameOf(version));
  return target && readFileSync(await updater.downloadTarget(target), 'utf8');
}

const put = (catalogue: Catalogue, version: string, bytes = body(version)) =>
  catalogue.files.set(`targets/${digest(body(version))}.${nameOf(version)}`, bytes);
const opened = async () => new Catalogue(await TestRepository.make({ keys: makeKeys() }));

test('a release is found and verified by any TUF client; a withdrawn one is not', async () => {
  const catalogue = await opened();
  await catalogue.publish([], later(0));
  for (const version of ['1.0.0', '1.1.0']) put(catalogue, version);
  const [first, second] = [release('1.0.0'), release('1.1.0')];
  await catalogue.publish([first, second], later(0));
  expect(await download(catalogue, '1.1.0')).toBe('agent 1.1.0');
  await catalogue.publish([first, { ...second, withdrawn: true }], later(0));
  expect(await download(catalogue, '1.1.0')).toBeUndefined();
  expect(await download(catalogue, '1.0.0')).toBe('agent 1.0.0');
});

test('a file that is not the one that was released is refused', async () => {
  const catalogue = await opened();
  await catalogue.publish([release('1.0.0')], later(0));
  put(catalogue, '1.0.0', Buffer.from('other 1.0.0'));
  await expect(download(catalogue, '1.0.0')).rejects.toThrow();
});

test('the same catalogue is not published twice, in whatever order, and is signed anew before it expires', async () => {
  const catalogue = await opened();
  const releases = [release('1.0.0'), release('1.1.0')];
  expect(await catalogue.publish(releases, later(0))).toContain('metadata/1.targets.json');
  expect(await catalogue.publish(releases.toReversed(), later(HOUR))).toBe('unchanged');
  expect(await catalogue.publish(releases, later(13 * HOUR))).toEqual(['metadata/timestamp.json']);
  expect(await catalogue.publish(releases, later(61 * DAY))).toEqual([
    'metadata/2.targets.json',
    'metadata/2.snapshot.json',
    'metadata/timestamp.json',
  ]);
  put(catalogue, '1.0.0');
  expect(await download(catalogue, '1.0.0', later(61 * DAY))).toBe('agent 1.0.0');
});

test('keys that are rotated sign it anew, and clients follow the roots', async () => {
  const catalogue = await opened();
  put(catalogue, '1.0.0');
  await catalogue.publish([release('1.0.0')], later(0));
  const { repository } = catalogue;
  const next = { targets: makeSigner(), snapshot: makeSigner(), timestamp: makeSigner() };
  await repository.addRoot({ ...next, root: repository.keys.root });
  repository.keys = { ...repository.keys, ...next };
  expect(await catalogue.publish([release('1.0.0')], later(HOUR))).toContain('metadata/2.root.json');
  expect(await download(catalogue, '1.0.0')).toBe('agent 1.0.0');
});

test('what others signed is not counted on from', async () => {
  const [catalogue, other] = [await opened(), await opened()];
  await other.publish([release('9.0.0')], later(0));
  for (const [key, bytes] of other.files) catalogue.files.set(key, bytes);
  await expect(catalogue.publish([release('1.0.0')], later(HOUR))).rejects.toThrow(
    'not signed under any root',
  );
});

test.each([
  ['a version that is none', { version: 'one' }, 'must be a semantic version'],
  [
    'a file name with a folder',
    { artifacts: [{ ...release('1.0.0').artifacts[0], name: '../x' }] },
    'may hold',
  ],
  ['no file', { artifacts: [] }, 'name at least one file'],
])('a release with %s is refused', (_, more, message) => {
  const parsed = enforcerrelease.input.safeParse({
    version: '1.0.0',
    artifacts: release('1.0.0').artifacts,
    ...more,
  });
  expect(JSON.stringify(parsed.error?.issues)).toContain(message);
});

test('a leading v of a version is taken away', () => {
  expect(release('v1.2.3').version).toBe('1.2.3');
});

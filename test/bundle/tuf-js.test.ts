import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Updater } from 'tuf-js';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { Fetch, TrustedState } from '../../shared/bundle/open.ts';
import { makeSigner } from '../make/keys.ts';
import { makePayloads, payloadBytes } from '../make/payloads.ts';
import { HOUR, later, serve, TestRepository } from '../make/repository.ts';
import { ATTACKS, type Outcome } from './attacks.ts';
import { makeWorld, type Scene, type World } from './world.ts';

/**
 * tuf-js, the client of another author, over HTTP as S3 answers it. It takes what we publish; of the attack table it
 * refuses what we refuse, but for the rows where we ask for more than the specification does.
 */
const STRICTER = new Map<string, string>([
  ['the bundle of a neighbour', 'binding is ours'],
  ['the bundle of another tenant', 'binding is ours'],
  ['the policy of a neighbour, signed as ours', 'binding is ours'],
  ['targets that are bound to nothing', 'binding is ours'],
  ['targets that are bound to two namespaces', 'binding is ours'],
  ['a revision that is not the version of its targets', 'revisions are ours'],
  ['one payload under the name of another, signed', 'schemas are ours'],
  ['a payload that is not UTF-8, signed', 'schemas are ours'],
  ['a payload with a field that no schema knows, signed', 'schemas are ours'],
  ['one more target, signed', 'other repositories have other targets'],
  ['a delegation, signed', 'other repositories delegate'],
  ['one more role in the snapshot, signed', 'other repositories delegate'],
  ['one root key under two ids, to count twice', 'the specification leaves the ids of keys open'],
  ['a key of another algorithm', 'other repositories have other algorithms'],
  [
    'a snapshot of any length, described by a stolen timestamp key',
    'lengths are optional in the specification',
  ],
  ['a version that has no successor', 'tuf-js takes any number as a version'],
]);

let fetch: Fetch;
const never = () => new Promise<never>(() => {});
const server = createServer((request, response) => {
  const path = (request.url ?? '').slice(1);
  fetch(path, 600_000, new AbortController().signal).then(
    body => response.writeHead(body ? 200 : 404).end(body),
    () => request.socket.destroy(),
  );
});
let url = '';
let world: World;
const folder = mkdtempSync(join(tmpdir(), 'microseg-tuf-'));
let clients = 0;

beforeAll(async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: later(HOUR) });
  world = await makeWorld();
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

/** Opens with tuf-js what the scene serves. The three payloads, or an error. */
const download = async (scene: Scene, state: TrustedState): Promise<Record<string, Uint8Array>> => {
  vi.setSystemTime(scene.now ?? later(HOUR));
  fetch = scene.fetch ? scene.fetch(serve(scene.files), never) : serve(scene.files);
  const metadataDir = join(folder, String(clients++));
  const targetDir = join(metadataDir, 'targets');
  mkdirSync(targetDir, { recursive: true });
  const { root, timestamp, snapshot, bundle } = state;
  for (const [name, body] of Object.entries({ root, timestamp, snapshot, targets: bundle?.targets }))
    if (body) writeFileSync(join(metadataDir, `${name}.json`), body);
  const updater = new Updater({
    metadataDir,
    metadataBaseUrl: `${url}/metadata`,
    targetDir,
    targetBaseUrl: `${url}/targets`,
    config: { fetchRetry: false, fetchTimeout: scene.fetch ? 80 : 10_000 },
  });
  await updater.refresh();
  const payloads: Record<string, Uint8Array> = {};
  for (const name of ['directives.json', 'peers.json', 'policy.json']) {
    const target = await updater.getTargetInfo(name);
    if (!target) throw new Error(`no target ${name}`);
    payloads[name] = new Uint8Array(readFileSync(await updater.downloadTarget(target)));
  }
  return payloads;
};

const accepts = (scene: Scene, state: TrustedState): Promise<boolean> =>
  download(scene, state).then(
    () => true,
    () => false,
  );

describe('tuf-js takes', () => {
  test('what we publish, at first and later', async () => {
    const expected = payloadBytes({ ...makePayloads('cache') });
    expect(await download({ files: world.third }, world.anchor)).toEqual(expected);
    expect(await download({ files: world.third }, world.has)).toEqual(expected);
  });

  test('a rotation of every online key and of a root key', async () => {
    const repository = await TestRepository.make();
    await repository.publish(makePayloads());
    const root = [makeSigner(), ...repository.keys.root.slice(1)];
    await repository.addRoot({
      root,
      targets: makeSigner(),
      snapshot: makeSigner(),
      timestamp: makeSigner(),
    });
    await repository.resign(later(HOUR));
    expect(await download({ files: repository.files }, repository.anchor)).toEqual(
      payloadBytes(makePayloads()),
    );
  });

  test('what was signed anew', async () => {
    const repository = await TestRepository.make();
    await repository.publish(makePayloads());
    await repository.resign(later(61 * 24 * HOUR));
    const scene = { files: repository.files, now: later(61 * 24 * HOUR) };
    expect(await download(scene, repository.anchor)).toEqual(payloadBytes(makePayloads()));
  });
});

for (const [attack, rows] of Object.entries(ATTACKS))
  describe(`tuf-js and ${attack}`, () => {
    test.each(rows)('%s', async (name, first, afterwards, stage) => {
      const scene = await stage(world);
      const agrees = (outcome: Outcome) => STRICTER.has(name) || outcome === 'accepted';
      expect(await accepts(scene, world.anchor), 'first fetch').toBe(agrees(first));
      expect(await accepts(scene, world.has), 'later fetch').toBe(agrees(afterwards));
    });
  });

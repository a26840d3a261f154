import { createHash } from 'node:crypto';
import { beforeAll, expect, test } from 'vitest';
import { type CatalogueState, fetchRelease } from '../../shared/bundle/fetch-release.ts';
import { sealReleases } from '../../shared/bundle/releases.ts';
import { ROOT } from '../../shared/schema/ids.ts';
import { makeKeys } from '../make/keys.ts';
import { make } from '../make/objects.ts';
import { DAY, type Files, HOUR, later, published, TestRepository } from '../make/repository.ts';

const body = (name: string) => Buffer.from(`agent ${name}`);
const digest = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const place = (name: string) => `targets/${digest(body(name))}.${name}`;

const release = (version: string, architectures: readonly string[] = ['any'], more: object = {}) =>
  make('enforcerrelease', ROOT, {
    version,
    artifacts: architectures.map(architecture => {
      const name = `prisma-enforcer-${version}-${architecture}.mjs`;
      return {
        name,
        platform: 'linux',
        architecture,
        length: body(name).length,
        sha256: digest(body(name)),
      };
    }),
    ...more,
  });

let repository: TestRepository;
beforeAll(async () => {
  repository = await TestRepository.make({ keys: makeKeys() });
});

/** A catalogue with these releases and their files. */
async function catalogue(
  releases: ReturnType<typeof release>[],
  now = later(0),
  files: Files = new Map(),
): Promise<Files> {
  const { targets, snapshot, timestamp } = repository.keys;
  const previous = published(files);
  const sealed = await sealReleases({
    roots: repository.roots,
    signers: { targets, snapshot, timestamp },
    now,
    releases,
    ...(previous ? { previous } : {}),
  });
  if (sealed.outcome === 'sealed') for (const { key, body: bytes } of sealed.files) files.set(key, bytes);
  for (const { artifacts } of releases) for (const { name } of artifacts) files.set(place(name), body(name));
  return files;
}

const fetched = (files: Files, version: string, state?: CatalogueState, now = later(HOUR)) =>
  fetchRelease({
    fetch: async path => files.get(path),
    state: state ?? { root: repository.roots[0] ?? new Uint8Array() },
    wanted: { version, platform: 'linux', architecture: 'x64' },
    now,
    signal: AbortSignal.timeout(5000),
  });

test('gives the file for this processor, and one for any where there is none', async () => {
  const files = await catalogue([
    release('1.0.0', ['any', 'arm64', 'x64']),
    release('1.1.0', ['arm64', 'any']),
  ]);
  expect(await fetched(files, '1.0.0')).toMatchObject({ ok: true, name: 'prisma-enforcer-1.0.0-x64.mjs' });
  const any = await fetched(files, '1.1.0');
  expect(any).toMatchObject({ ok: true, name: 'prisma-enforcer-1.1.0-any.mjs' });
  expect(any.ok && Buffer.from(any.bytes).toString()).toBe('agent prisma-enforcer-1.1.0-any.mjs');
});

test.each([
  ['was never published', '9.9.9', 'no release 9.9.9 for linux on x64'],
  ['was withdrawn', '2.0.0', 'no release 2.0.0 for linux on x64'],
  ['is for other processors', '3.0.0', 'no release 3.0.0 for linux on x64'],
])('a version that %s is refused by name', async (_, version, detail) => {
  const files = await catalogue([
    release('1.0.0'),
    release('2.0.0', ['any'], { withdrawn: true }),
    release('3.0.0', ['arm64']),
  ]);
  expect(await fetched(files, version)).toMatchObject({
    ok: false,
    reason: 'missing',
    detail: expect.stringContaining(detail),
  });
});

test('any changed byte of metadata or file is refused', async () => {
  const good = await catalogue([release('1.0.0')]);
  for (const [path, bytes] of good) {
    if (/\d+\.root\.json$/.test(path)) continue;
    for (let at = 0; at < bytes.length; at += Math.ceil(bytes.length / 16)) {
      const changed = Buffer.from(bytes);
      changed[at] = (changed[at] ?? 0) ^ 1;
      const result = await fetched(new Map([...good, [path, changed]]), '1.0.0');
      expect(result.ok, `${path} at ${at}`).toBe(false);
    }
  }
});

test('an older catalogue than was seen is refused, and one that is past its expiry', async () => {
  const before = await catalogue([release('1.0.0')]);
  const old: Files = new Map(before);
  const newer = await catalogue([release('1.0.0'), release('1.1.0')], later(0), before);
  const seen = await fetched(newer, '1.1.0');
  expect(seen.ok).toBe(true);
  expect(await fetched(old, '1.0.0', seen.state)).toMatchObject({ ok: false, reason: 'rollback' });
  expect(await fetched(newer, '1.0.0', undefined, later(400 * DAY))).toMatchObject({
    ok: false,
    reason: 'expired',
  });
});

test('a file that is longer than was signed, and one that never comes, are refused', async () => {
  const files = await catalogue([release('1.0.0')]);
  const long = place('prisma-enforcer-1.0.0-any.mjs');
  const more = new Map([...files, [long, Buffer.concat([files.get(long) ?? Buffer.of(), Buffer.of(0)])]]);
  expect(await fetched(more, '1.0.0')).toMatchObject({ ok: false, reason: 'too_long' });
  files.delete(long);
  expect(await fetched(files, '1.0.0')).toMatchObject({ ok: false, reason: 'missing' });
});

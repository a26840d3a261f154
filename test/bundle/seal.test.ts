import { describe, expect, test } from 'vitest';
import { LIMITS } from '../../shared/bundle/metadata.ts';
import { open, reopen } from '../../shared/bundle/open.ts';
import { seal } from '../../shared/bundle/seal.ts';
import { makeSigner } from '../make/keys.ts';
import { makePayloads, NAMESPACE, NAMESPACE_ID, payloadBytes, TENANT } from '../make/payloads.ts';
import { BOUND, DAY, HOUR, later, published, START, serve, TestRepository } from '../make/repository.ts';

const EXPECTED = { tenant: TENANT, namespace: NAMESPACE, namespaceID: NAMESPACE_ID };
const signal = AbortSignal.timeout(60_000);

const opened = async (repository: TestRepository, now = START, state = repository.anchor) => {
  const result = await open({ fetch: serve(repository.files), state, expected: EXPECTED, now, signal });
  if (!result.ok) throw new Error(`${result.reason}: ${result.detail}`);
  return result;
};

describe('seal', () => {
  test('what is opened is what was sealed', async () => {
    const repository = await TestRepository.make();
    await repository.publish(makePayloads());
    const result = await opened(repository);
    expect(result.payloads).toEqual(makePayloads());
    expect(result).toMatchObject({ revision: 1, changed: true, binding: { ...BOUND, revision: 1 } });
  });

  test('writes the root and the payloads first and timestamp.json last', async () => {
    const repository = await TestRepository.make();
    const sealed = await repository.publish(makePayloads());
    expect(
      sealed?.files.map(file => `${file.write} ${file.key.replace(/[0-9a-f]{64}/, '<sha256>')}`),
    ).toEqual([
      'replace metadata/1.root.json',
      'replace targets/<sha256>.directives.json',
      'replace targets/<sha256>.peers.json',
      'replace targets/<sha256>.policy.json',
      'create metadata/1.targets.json',
      'create metadata/1.snapshot.json',
      'swap metadata/timestamp.json',
    ]);
  });

  test('publishes only the payloads that changed, under the next revision', async () => {
    const repository = await TestRepository.make();
    await repository.publish(makePayloads());
    const next = { ...makePayloads(), 'peers.json': makePayloads('db')['peers.json'] };
    const sealed = await repository.publish(next);
    expect(sealed?.revision).toBe(2);
    expect(sealed?.files.map(file => file.key.replace(/[0-9a-f]{64}/, '<sha256>'))).toEqual([
      'targets/<sha256>.peers.json',
      'metadata/2.targets.json',
      'metadata/2.snapshot.json',
      'metadata/timestamp.json',
    ]);
  });

  test('does not publish identical payloads again', async () => {
    const repository = await TestRepository.make();
    await repository.publish(makePayloads());
    expect(await repository.publish(makePayloads(), later(11 * HOUR))).toBeUndefined();
  });

  test('costs three signatures, however large the payloads are', async () => {
    const repository = await TestRepository.make();
    await repository.publish(makePayloads());
    const { targets, snapshot, timestamp } = repository.keys;
    expect([targets, snapshot, timestamp].map(signer => signer.signatures)).toEqual([1, 1, 1]);
  });

  test('gives equal bytes for equal input, except for the signatures, which ECDSA draws anew', async () => {
    const repository = await TestRepository.make();
    const again = await TestRepository.make({ keys: repository.keys });
    await repository.publish(makePayloads());
    await again.publish(makePayloads());
    const unsigned = (body: Uint8Array | undefined) => {
      const { signed } = JSON.parse(new TextDecoder().decode(body));
      // The hashes of files that hold signatures differ with them.
      return JSON.stringify(signed, (key, value) =>
        key === 'snapshot.json' || key === 'targets.json' ? '' : value,
      );
    };
    expect([...again.files.keys()]).toEqual([...repository.files.keys()]);
    for (const [key, body] of repository.files)
      if (key.startsWith('metadata/')) expect(unsigned(again.files.get(key)), key).toBe(unsigned(body));
      else expect(again.files.get(key)).toEqual(body);
  });

  test('counts on from versions that an unfinished publish left behind', async () => {
    const repository = await TestRepository.make();
    await repository.publish(makePayloads());
    const previous = published(repository.files);
    const sealed = await seal({
      payloads: payloadBytes(makePayloads('db')),
      binding: BOUND,
      roots: repository.roots,
      signers: repository.signers,
      now: START,
      taken: { targets: 4, snapshot: 2 },
      ...(previous ? { previous } : {}),
    });
    expect(sealed).toMatchObject({ revision: 5 });
    expect(sealed.outcome === 'sealed' && sealed.files.map(file => file.key)).toContain(
      'metadata/3.snapshot.json',
    );
  });

  test('refuses to count on from a publication that was not signed by our keys', async () => {
    const repository = await TestRepository.make();
    const foreign = await TestRepository.make();
    await foreign.publish(makePayloads());
    for (const [key, body] of foreign.files) repository.files.set(key, body);
    await expect(repository.publish(makePayloads('db'))).rejects.toMatchObject({ kind: 'conflict' });
  });

  test('refuses to write over the bundle of another namespace', async () => {
    const repository = await TestRepository.make();
    await repository.publish(makePayloads());
    repository.binding = { ...BOUND, namespaceID: '0190f3a1b2c3d4e5f6071830' as typeof BOUND.namespaceID };
    await expect(repository.publish(makePayloads('db'))).rejects.toMatchObject({ kind: 'conflict' });
  });

  test('refuses a payload that no client would take', async () => {
    const { roots, signers } = await TestRepository.make();
    const payloads = { ...payloadBytes(makePayloads()), 'peers.json': new Uint8Array(LIMITS.payload + 1) };
    const sealing = seal({ payloads, binding: BOUND, roots, signers, now: START });
    await expect(sealing).rejects.toMatchObject({ kind: 'too_large' });
  });

  test('refuses signers that the root does not list, and a root past its expiry', async () => {
    const repository = await TestRepository.make();
    const { keys } = repository;
    repository.keys = { ...keys, snapshot: makeSigner() };
    await expect(repository.publish(makePayloads())).rejects.toMatchObject({ kind: 'invalid' });
    repository.keys = keys;
    await expect(repository.publish(makePayloads(), later(366 * DAY))).rejects.toMatchObject({
      kind: 'unavailable',
    });
  });
});

describe('resign', () => {
  const names = async (after: number) => {
    const repository = await TestRepository.make();
    await repository.publish(makePayloads());
    const sealed = await repository.resign(later(after));
    const result = sealed && (await opened(repository, later(after)));
    return { files: sealed?.files.map(file => file.key), revision: result?.revision };
  };

  test.each([
    ['nothing while 12 hours of the timestamp are left', 12 * HOUR, undefined, undefined],
    ['the timestamp below 12 hours', 12 * HOUR + 1, ['metadata/timestamp.json'], 1],
    ['the snapshot below 3 days', 4 * DAY + 1, ['metadata/2.snapshot.json', 'metadata/timestamp.json'], 1],
    [
      'the targets below 30 days, which makes a revision',
      60 * DAY + 1,
      ['metadata/2.targets.json', 'metadata/2.snapshot.json', 'metadata/timestamp.json'],
      2,
    ],
  ])('signs %s', async (_, after, files, revision) => {
    expect(await names(after)).toEqual({ files, revision });
  });

  test('leaves the payloads unchanged for a client', async () => {
    const repository = await TestRepository.make();
    await repository.publish(makePayloads());
    const first = await opened(repository);
    await repository.resign(later(61 * DAY));
    expect(await opened(repository, later(61 * DAY), first.state)).toMatchObject({
      revision: 2,
      changed: false,
    });
  });

  test('publishes a new root before the files that its new keys sign', async () => {
    const repository = await TestRepository.make();
    await repository.publish(makePayloads());
    const first = await opened(repository);
    await repository.addRoot({ ...repository.keys, timestamp: makeSigner() });
    const sealed = await repository.resign(START);
    expect(sealed?.files.map(file => file.key)).toEqual(['metadata/2.root.json', 'metadata/timestamp.json']);
    expect(await opened(repository, START, first.state)).toMatchObject({ revision: 1, changed: false });
  });
});

describe('reopen', () => {
  test('gives the stored bundle again, fresh or stale', async () => {
    const repository = await TestRepository.make();
    await repository.publish(makePayloads());
    const { state } = await opened(repository);
    const { bundle } = state;
    expect(bundle).toBeDefined();
    expect(reopen(state, later(HOUR), EXPECTED)).toMatchObject({
      ok: true,
      payloads: makePayloads(),
      revision: 1,
      stale: false,
      staleFor: 0,
      expires: { role: 'timestamp', at: later(DAY) },
    });
    expect(reopen(state, later(3 * DAY), EXPECTED)).toMatchObject({
      ok: true,
      stale: true,
      staleFor: 2 * DAY,
    });
  });

  test('gives the bundle that older keys signed when only the new root was fetched', async () => {
    const repository = await TestRepository.make();
    await repository.publish(makePayloads());
    const { state } = await opened(repository);
    const root = await repository.addRoot({
      ...repository.keys,
      timestamp: makeSigner(),
      snapshot: makeSigner(),
    });
    repository.files.set('metadata/2.root.json', root);
    const halfway = await open({
      fetch: serve(repository.files),
      state,
      expected: EXPECTED,
      now: START,
      signal,
    });
    expect(halfway).toMatchObject({ ok: false, reason: 'unsigned' });
    expect(halfway.state.root).toEqual(root);
    expect(halfway.state.timestamp).toBeUndefined();
    expect(reopen(halfway.state, START, EXPECTED)).toMatchObject({ ok: true, revision: 1 });
  });
});

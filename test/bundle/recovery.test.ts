import { expect, test } from 'vitest';
import { forge, set } from '../make/forge.ts';
import { makeKeys } from '../make/keys.ts';
import { makePayloads } from '../make/payloads.ts';
import { HOUR, later, TestRepository } from '../make/repository.ts';
import { update } from './world.ts';

/** A repository whose online keys a thief has, and a client that followed it as far as versions go. */
const fastForwarded = async () => {
  const repository = await TestRepository.make();
  await repository.publish(makePayloads());
  const last = Number.MAX_SAFE_INTEGER;
  const files = await forge(repository.files, {
    signers: repository.keys,
    targets: signed => {
      signed.version = last;
      for (const name of Object.keys(signed.targets))
        set('targets', name, 'custom', 'revision', last)(signed);
    },
    snapshot: set('version', last),
    timestamp: set('version', last),
  });
  const { state } = await update({ files }, repository.anchor);
  for (const [key, body] of files) repository.files.set(key, body);
  return { repository, state };
};

test('a fast-forward by stolen keys goes through, and nothing that the same keys sign gets past it', async () => {
  const { repository, state } = await fastForwarded();
  await expect(repository.publish(makePayloads('db'))).rejects.toMatchObject({ kind: 'conflict' });
  await repository.publish(makePayloads('db'), later(HOUR), true);
  expect(await update({ files: repository.files }, state)).toMatchObject({ ok: false, reason: 'rollback' });
});

test('new online keys and a publish from the start recover every client', async () => {
  const { repository, state } = await fastForwarded();
  await repository.addRoot({ ...makeKeys(), root: repository.keys.root });
  const sealed = await repository.publish(makePayloads('db'), later(HOUR), true);
  expect(sealed?.revision).toBe(1);
  for (const client of [state, repository.anchor])
    expect(await update({ files: repository.files }, client)).toMatchObject({ ok: true, revision: 1 });
});

test('a recovered client does not go back to what the stolen keys signed', async () => {
  const { repository, state } = await fastForwarded();
  const stolen = new Map(repository.files);
  await repository.addRoot({ ...makeKeys(), root: repository.keys.root });
  await repository.publish(makePayloads('db'), later(HOUR), true);
  const recovered = await update({ files: repository.files }, state);
  expect(await update({ files: stolen }, recovered.state)).toMatchObject({ ok: false, reason: 'unsigned' });
});

test('a client that slept through several rotations of every key walks all the roots', async () => {
  const repository = await TestRepository.make();
  await repository.publish(makePayloads());
  const { state } = await update({ files: repository.files }, repository.anchor);
  for (const mark of ['a', 'b', 'c']) {
    await repository.addRoot(makeKeys());
    await repository.publish(makePayloads(mark), later(HOUR));
  }
  const result = await update({ files: repository.files }, state);
  expect(result).toMatchObject({ ok: true, revision: 4, payloads: makePayloads('c') });
  expect(result.state.root).toEqual(repository.roots.at(-1));
});

test('a missing root in the chain stops a client where it is', async () => {
  const repository = await TestRepository.make();
  await repository.publish(makePayloads());
  const { state } = await update({ files: repository.files }, repository.anchor);
  await repository.addRoot(makeKeys());
  await repository.addRoot(makeKeys());
  await repository.publish(makePayloads('a'), later(HOUR));
  repository.files.delete('metadata/2.root.json');
  expect(await update({ files: repository.files }, state)).toMatchObject({ ok: false, reason: 'unsigned' });
});

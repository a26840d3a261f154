import { beforeAll, describe, expect, test } from 'vitest';
import { reopen, type TrustedState } from '../../shared/bundle/open.ts';
import { makeRoot } from '../../shared/bundle/root.ts';
import { makePayloads } from '../make/payloads.ts';
import { DAY, HOUR, later, TestRepository } from '../make/repository.ts';
import { EXPECTED, makeWorld, NEIGHBOUR, update, type World } from './world.ts';

let world: World;
/** What a thief's own repository left with one of its clients. */
let forged: TrustedState;
beforeAll(async () => {
  world = await makeWorld();
  const foreign = await TestRepository.make({ keys: world.thief });
  await foreign.publish(makePayloads());
  forged = (await update({ files: foreign.files }, foreign.anchor)).state;
});

describe('damaged store', () => {
  const bundle = () => {
    const kept = structuredClone(world.has);
    if (!kept.bundle) throw new Error('the world has no bundle');
    return { ...kept, bundle: kept.bundle };
  };
  const flip = (bytes: Uint8Array): Uint8Array =>
    bytes.with(bytes.length >> 1, (bytes[bytes.length >> 1] ?? 0) ^ 1);

  test.each(['root', 'timestamp', 'snapshot', 'targets'] as const)('a damaged %s is refused', file => {
    const state = bundle();
    state.bundle[file] = flip(state.bundle[file]);
    const result = reopen(state, later(HOUR), EXPECTED);
    expect(result).toMatchObject({
      ok: false,
      reason: expect.stringMatching(/^(unsigned|malformed|wrong_hash)$/),
    });
    expect(result.state).toEqual({ root: state.root, timestamp: state.timestamp, snapshot: state.snapshot });
  });

  test.each(['directives.json', 'peers.json', 'policy.json'] as const)('a damaged %s is refused', name => {
    const state = bundle();
    state.bundle.payloads[name] = flip(state.bundle.payloads[name]);
    expect(reopen(state, later(HOUR), EXPECTED)).toMatchObject({
      ok: false,
      reason: 'wrong_hash',
      file: name,
    });
  });

  test('a damaged newest root leaves nothing, so that the installed one must do', () => {
    const result = reopen({ ...bundle(), root: flip(world.has.root) }, later(HOUR), EXPECTED);
    expect(result).toMatchObject({ ok: false, state: undefined });
  });

  test('a damaged newest timestamp or snapshot is refused, and what was verified before it is kept', () => {
    const { root, timestamp, snapshot = new Uint8Array() } = bundle();
    const first = reopen({ ...bundle(), timestamp: flip(snapshot) }, later(HOUR), EXPECTED);
    expect(first).toMatchObject({ ok: false, file: 'metadata/timestamp.json' });
    expect(first.state).toEqual({ root });
    const foreign = forged.snapshot ?? new Uint8Array();
    const second = reopen({ ...bundle(), snapshot: foreign }, later(HOUR), EXPECTED);
    expect(second).toMatchObject({ ok: false, reason: 'unsigned' });
    expect(second.state).toEqual({ root, timestamp });
    const third = reopen({ ...bundle(), timestamp: forged.timestamp ?? foreign }, later(HOUR), EXPECTED);
    expect(third).toMatchObject({ ok: false, reason: 'unsigned', state: { root } });
  });

  test('a bundle under a newer root than the newest is refused', async () => {
    const state = bundle();
    state.bundle.root = await makeRoot({
      rootKeys: world.keys.root,
      threshold: 2,
      online: {
        targets: world.keys.targets.pem,
        snapshot: world.keys.snapshot.pem,
        timestamp: world.keys.timestamp.pem,
      },
      version: 2,
      expires: later(DAY),
    });
    expect(reopen(state, later(HOUR), EXPECTED)).toMatchObject({ ok: false, reason: 'wrong_version' });
  });

  test('a bundle of a neighbour is refused', () => {
    const expected = { ...EXPECTED, ...NEIGHBOUR };
    expect(reopen(bundle(), later(HOUR), expected)).toMatchObject({ ok: false, reason: 'wrong_binding' });
  });

  test('a client that never had a bundle says so and keeps its root', () => {
    const result = reopen(world.anchor, later(HOUR), EXPECTED);
    expect(result).toMatchObject({ ok: false, reason: 'missing', state: world.anchor });
  });
});

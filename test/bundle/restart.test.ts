import { beforeAll, describe, expect, test } from 'vitest';
import { reopen } from '../../shared/bundle/open.ts';
import { HOUR, later } from '../make/repository.ts';
import { EXPECTED, makeWorld, NEIGHBOUR, type World } from './world.ts';

let world: World;
beforeAll(async () => {
  world = await makeWorld();
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

  test('a bundle of a neighbour is refused', () => {
    const expected = { ...EXPECTED, ...NEIGHBOUR };
    expect(reopen(bundle(), later(HOUR), expected)).toMatchObject({ ok: false, reason: 'wrong_binding' });
  });

  test('a client that never had a bundle says so and keeps its root', () => {
    const result = reopen(world.anchor, later(HOUR), EXPECTED);
    expect(result).toMatchObject({ ok: false, reason: 'missing', state: world.anchor });
  });
});

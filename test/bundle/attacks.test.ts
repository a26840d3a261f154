import { beforeAll, describe, expect, test } from 'vitest';
import { type Reason, reopen } from '../../shared/bundle/open.ts';
import { forge } from '../make/forge.ts';
import { DAY, HOUR, later } from '../make/repository.ts';
import { ATTACKS, type Outcome, TIMESTAMP } from './attacks.ts';
import { EXPECTED, fileOf, makeWorld, update, type World } from './world.ts';

let world: World;
beforeAll(async () => {
  world = await makeWorld();
});

const outcome = (result: { ok: true } | { ok: false; reason: Reason }): Outcome =>
  result.ok ? 'accepted' : result.reason;

for (const [attack, rows] of Object.entries(ATTACKS))
  describe(attack, () => {
    test.each(rows)('%s: %s at first, %s afterwards', async (_, first, afterwards, stage) => {
      const scene = await stage(world);
      expect(outcome(await update(scene, world.anchor)), 'first fetch').toBe(first);

      const result = await update(scene, world.has);
      expect(outcome(result), 'later fetch').toBe(afterwards);
      expect(result.state.bundle, 'the last good bundle stays').toBe(world.has.bundle);

      const started = reopen(structuredClone(world.has), later(HOUR), EXPECTED);
      expect(outcome(started), 'what is stored is still good').toBe('accepted');
      expect(outcome(await update(scene, started.state ?? world.anchor)), 'after a restart').toBe(afterwards);

      const left = reopen(structuredClone(result.state), later(HOUR), EXPECTED);
      expect(left, 'a start after the attack').toMatchObject({ ok: true, revision: 2 });
    });
  });

describe('without an attack', () => {
  test('every client gets the third revision', async () => {
    for (const state of [world.anchor, world.has])
      expect(await update({ files: world.third }, state)).toMatchObject({
        ok: true,
        revision: 3,
        changed: true,
      });
  });

  test('nothing but roots and timestamp.json is fetched when nothing is new', async () => {
    const asked: string[] = [];
    const result = await update(
      {
        files: world.second,
        fetch:
          honest =>
          (path, ...rest) => {
            asked.push(path);
            return honest(path, ...rest);
          },
      },
      world.has,
    );
    expect(result).toMatchObject({ ok: true, revision: 2, changed: false });
    expect(asked).toEqual(['metadata/2.root.json', TIMESTAMP]);
  });
});

describe('what an update leaves', () => {
  test('a timestamp once seen counts, though its snapshot never came', async () => {
    const half = await update({ files: new Map([[TIMESTAMP, fileOf(world.third, TIMESTAMP)]]) }, world.has);
    expect(half).toMatchObject({ ok: false, reason: 'missing' });
    expect(outcome(await update({ files: world.second }, half.state))).toBe('rollback');
  });

  test('a timestamp counts on its own, though it names the same snapshot as the one before', async () => {
    const { keys, second, has } = world;
    const renewed = await update(
      { files: await forge(second, { signers: { timestamp: keys.timestamp } }) },
      has,
    );
    expect(renewed).toMatchObject({ ok: true, revision: 2, changed: false });
    expect(await update({ files: second }, renewed.state)).toMatchObject({ ok: false, reason: 'rollback' });
  });

  test('another timestamp of the same version is not taken over', async () => {
    const { keys, second, has } = world;
    const files = await forge(second, {
      signers: { timestamp: keys.timestamp },
      timestamp: signed => Object.assign(signed, { version: 2, expires: '2099-01-01T00:00:00Z' }),
    });
    const result = await update({ files }, has);
    expect(result).toMatchObject({ ok: true, revision: 2, changed: false, expires: { at: later(DAY) } });
    expect(result.state).toEqual(has);
  });
});

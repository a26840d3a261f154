import { beforeAll, describe, expect, test } from 'vitest';
import { type Reason, reopen } from '../../shared/bundle/open.ts';
import { HOUR, later } from '../make/repository.ts';
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

describe('what a refused update leaves', () => {
  test('a timestamp once seen counts, though its snapshot never came', async () => {
    const half = await update({ files: new Map([[TIMESTAMP, fileOf(world.third, TIMESTAMP)]]) }, world.has);
    expect(half).toMatchObject({ ok: false, reason: 'missing' });
    expect(outcome(await update({ files: world.second }, half.state))).toBe('rollback');
  });
});

import { describe, expect, it } from 'vitest';
import { type Behaviour, NEW } from '../../make/fleet.ts';
import { endPlays, play, statesOf } from './play.ts';

describe('kill -9', () => {
  const mixed = (index: number): Behaviour =>
    index === 2 ? 'broken release' : index === 1 ? 'agent dead' : 'chatty';
  const spec = { canary: 1, waves: 1, failureThreshold: '1', soak: '1s', forceChecks: ['facts'] };

  it('of the control plane at any transition, before or after it is recorded: the end is the same', async () => {
    const run = async (kill: number) => {
      let points = 0;
      const onTransition = (): void => {
        points += 1;
        if (points === kill) throw new Error('killed');
      };
      const played = await play({ hosts: 3, behaviour: mixed, spec });
      let fleet = played.open({ onTransition });
      await fleet
        .finish(async () => points >= kill)
        .catch(error => {
          // What is still asked of the process that was killed.
          if (points < kill) throw error;
        });
      if (points >= kill) {
        // A new process: it knows what is on disk, and is told all changes again.
        fleet = played.open();
        await fleet.finish();
      }
      return { outcome: await played.outcome(), points };
    };
    const whole = await run(Number.POSITIVE_INFINITY);
    expect(whole.outcome.status).toBe('Succeeded');
    expect(statesOf(whole.outcome)).toEqual([`Upgraded ${NEW}`, `Upgraded ${NEW}`, 'Restored 1.0.0']);
    for (let kill = 1; kill <= whole.points; kill += 1) {
      await endPlays();
      expect([kill, (await run(kill)).outcome]).toEqual([kill, whole.outcome]);
    }
    console.log(`control plane killed at each of ${whole.points} points`);
  }, 400_000);

  it('of the runner before and after each of its steps: the end is the same', async () => {
    const run = async (kill: number) => {
      let points = 0;
      const onStep = (): void => {
        points += 1;
        if (points === kill) throw new Error('killed');
      };
      const played = await play({ hosts: 3, behaviour: mixed, spec, onStep });
      await played.open().finish();
      return { outcome: await played.outcome(), points };
    };
    const whole = await run(Number.POSITIVE_INFINITY);
    for (let kill = 1; kill <= whole.points; kill += 1) {
      await endPlays();
      expect([kill, (await run(kill)).outcome]).toEqual([kill, whole.outcome]);
    }
    console.log(`runner killed at each of ${whole.points} points`);
  }, 200_000);

  it('of nothing, but with every task delivered twice: the end is the same', async () => {
    const results = [];
    for (const copies of [0, 1]) {
      const played = await play({ hosts: 3, behaviour: mixed, spec, duplicateDelivery: () => copies });
      await played.open().finish();
      results.push(await played.outcome());
    }
    expect(results[1]).toEqual(results[0]);
  });
});

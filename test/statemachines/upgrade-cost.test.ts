import { expect, test } from 'vitest';
import { simulate } from '../../bench/upgrades/simulation.ts';
import { QUOTAS } from '../../bench/upgrades/step-functions.ts';

/** States that each part, each host that is upgraded and each host that goes back enters, by the file. */
const OF_PART = 6;
const OF_UPGRADED = 5;
const OF_RESTORED = 7;
/** Of each look at who has to be called, and looks of a part that calls one: it calls, and sees that the runner is at work. */
const OF_LOOK = 3;
const LOOKS = 2;
/** Of the upgrade itself: before the first wave and after the last, and of each wave and of each part of it. */
const AROUND = 16;
const OF_WAVE = 7;
const OF_GATE = 1;

test('state transitions are counted as Step Functions bills them: each state that was entered', async () => {
  const { counted, outcomes, parts, waves, status, called } = await simulate(200, 40);
  expect([status, outcomes]).toEqual(['Succeeded', { upgraded: 198, restored: 2, failed: 0, skipped: 0 }]);
  const inParts = OF_PART * parts + OF_UPGRADED * outcomes.upgraded + OF_RESTORED * outcomes.restored;
  // Plan and Judge come back every four parts, each time with a choice.
  const planning = 4 * (Math.ceil(parts / 4) - 1);
  const own = AROUND + planning + OF_WAVE * waves + OF_GATE * parts;
  // No part of these has more than one host whose agent is dead.
  expect(counted.transitions).toBe(inParts + own + OF_LOOK * LOOKS * called);
  expect(counted.executions).toBe(parts + 1);
}, 120_000);

test('histories and payloads of an upgrade stay within the quotas, and a part’s does not grow with the fleet', async () => {
  const [small, large] = [await simulate(220, 80), await simulate(440, 80)];
  expect(large.counted.longest.child).toBeLessThan(QUOTAS.history / 20);
  expect(large.counted.longest.child - small.counted.longest.child).toBeLessThan(50);
  expect(large.largestPayload).toBeLessThan(QUOTAS.payload / 20);
  expect(large.mostChildren).toBe(2);
}, 120_000);

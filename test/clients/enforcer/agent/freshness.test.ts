import { expect, test } from 'vitest';
import { Freshness, locksDown } from '../../../../clients/enforcer/agent/freshness.ts';
import { movedClock } from '../clock.ts';

const HOUR = 3_600_000;

function verifiedFor(hours: number) {
  const clock = movedClock();
  const freshness = new Freshness(clock);
  freshness.verified(new Date(clock.now().getTime() + hours * HOUR));
  return { clock, freshness };
}

test('a bundle is fresh until its expiry, and then as old as time has passed', async () => {
  const { clock, freshness } = verifiedFor(24);
  await clock.pass(24 * HOUR);
  expect(freshness.staleFor).toBe(0);
  await clock.pass(2 * HOUR);
  expect(freshness.staleFor).toBe(2 * HOUR);
});

test('a wall clock that is set back makes nothing fresh again', async () => {
  const { clock, freshness } = verifiedFor(1);
  await clock.pass(3 * HOUR);
  clock.jump(-48 * HOUR);
  expect(freshness.staleFor).toBe(2 * HOUR);
});

test('a wall clock that is set forward makes it old, until it is right again', () => {
  const { clock, freshness } = verifiedFor(24);
  clock.jump(48 * HOUR);
  expect(freshness.staleFor).toBe(24 * HOUR);
  clock.jump(-48 * HOUR);
  expect(freshness.staleFor).toBe(0);
});

test('a bundle from disk is as old as the wall clock says', () => {
  expect(verifiedFor(-30).freshness.staleFor).toBe(30 * HOUR);
  expect(new Freshness(movedClock()).staleFor).toBe(0);
});

test.each([
  [25, undefined, false],
  [25, { maxStale: '24h', staleAction: 'hold' } as const, false],
  [24, { maxStale: '24h', staleAction: 'lockdown' } as const, false],
  [25, { maxStale: '24h', staleAction: 'lockdown' } as const, true],
  [1, { maxStale: '30m', staleAction: 'lockdown' } as const, true],
])('%d hours past expiry, with %j: lockdown is %s', (hours, profile, wanted) => {
  expect(locksDown(hours * HOUR, profile)).toBe(wanted);
});

import { expect, test } from 'vitest';
import { loop } from '../../../../clients/enforcer/agent/loop.ts';
import { pollRhythm, RHYTHM } from '../../../../clients/enforcer/agent/rhythm.ts';
import type { Backoff, Clock } from '../../../../clients/enforcer/clock.ts';

const HOSTS = 1000;
const SECOND = 1000;
/** Milliseconds: all hosts start at 0, as after a power failure, and find nobody; then the control plane comes back. */
const BACK = 10 * 60 * SECOND;

/** mulberry32: chance that is the same in each run. */
function chance(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** When one host calls, in milliseconds, until `end`: it has a clock of its own, on which sleeping takes no time. */
async function callsOf(host: number, rhythm: Backoff, end: number): Promise<number[]> {
  let elapsed = 0;
  const stop = new AbortController();
  const clock: Clock = {
    now: () => new Date(elapsed),
    elapsed: () => elapsed,
    random: chance(host),
    sleep: async milliseconds => {
      elapsed += milliseconds;
      if (elapsed >= end) stop.abort();
    },
  };
  const calls: number[] = [];
  const round = async () => {
    calls.push(elapsed);
    if (elapsed < BACK) throw new Error('nobody answers');
  };
  await loop(round, { ...rhythm, clock, signal: stop.signal });
  return calls;
}

/** How many there are in each second. */
function bySecond(times: readonly number[], from: number, to: number): number[] {
  const seconds = new Array<number>((to - from) / SECOND).fill(0);
  for (const time of times) {
    const at = Math.floor((time - from) / SECOND);
    if (at >= 0 && at < seconds.length) seconds[at] = (seconds[at] ?? 0) + 1;
  }
  return seconds;
}

const most = (counts: readonly number[]): number => Math.max(...counts);
const mean = (counts: readonly number[]): number => counts.reduce((a, b) => a + b, 0) / counts.length;

test.each([
  ['poll', pollRhythm(1000)],
  ['register', RHYTHM.register],
  ['poke', RHYTHM.poke],
  ['tell their units', RHYTHM.units],
] as const)(
  '%s: hosts that started together and found nobody do not come back together',
  async (_, rhythm) => {
    const { longest } = rhythm;
    const end = BACK + 2 * longest;
    const calls = await Promise.all(Array.from({ length: HOSTS }, (_, host) => callsOf(host, rhythm, end)));
    // While it is away they ask ever less, and never all at once.
    const late = bySecond(calls.flat(), BACK - longest, BACK);
    expect(mean(late)).toBeLessThan((HOSTS / (longest / SECOND)) * 4);
    expect(most(late)).toBeLessThan(mean(late) * 2 + 10);
    // When it is back, the first of each come spread over the longest wait, and nobody later.
    const first = calls.map(times => times.find(time => time >= BACK) ?? Number.POSITIVE_INFINITY);
    expect(most(first) - BACK).toBeLessThanOrEqual(longest + 1);
    expect(most(bySecond(first, BACK, end))).toBeLessThan((HOSTS / (longest / SECOND)) * 4 + 10);
    // From then on they call as seldom as they should, spread evenly.
    const steady = bySecond(calls.flat(), BACK + longest, end);
    const wanted = HOSTS / (rhythm.interval / SECOND);
    expect(mean(steady)).toBeLessThan(wanted * 1.1);
    expect(most(steady)).toBeLessThan(wanted * 1.5 + 10);
  },
);

test('hosts that start together and are answered drift apart', async () => {
  const rhythm = pollRhythm(30 * SECOND);
  const [from, end] = [BACK + 20 * 60 * SECOND, BACK + 40 * 60 * SECOND];
  const calls = await Promise.all(Array.from({ length: HOSTS }, (_, host) => callsOf(host, rhythm, end)));
  const seconds = bySecond(calls.flat(), from, end);
  expect(most(seconds)).toBeLessThan(mean(seconds) * 2);
});

import { getEventListeners } from 'node:events';
import { expect, test } from 'vitest';
import { loop, messageOf, unless } from '../../../../clients/enforcer/agent/loop.ts';
import { movedClock } from '../clock.ts';

const NEVER = new Promise<never>(() => undefined);
const HOUR = 3600_000;

test('a round that never ends is left alone soon after the loop is told to stop, and not before', async () => {
  const clock = movedClock();
  const stop = new AbortController();
  let isOver = false;
  const running = loop(() => NEVER, { clock, signal: stop.signal, interval: 1000, longest: 1000 }).then(
    () => {
      isOver = true;
    },
  );
  await clock.pass(HOUR);
  expect(isOver).toBe(false);
  stop.abort();
  await clock.pass(2900);
  expect(isOver).toBe(false);
  await clock.pass(200);
  await running;
});

test('what ends in time is waited for, with what it gives or throws', async () => {
  const clock = movedClock();
  const { signal } = new AbortController();
  expect(await unless(signal, clock, Promise.resolve(7))).toBe(7);
  await expect(unless(AbortSignal.abort(), clock, Promise.reject(new Error('no')))).rejects.toThrow('no');
  expect(getEventListeners(signal, 'abort')).toEqual([]);
});

test.each([
  [new Error('no answer', { cause: new Error('connect ECONNREFUSED') }), 'no answer: connect ECONNREFUSED'],
  [
    new Error('no answer from https://api.test: certificate has expired'),
    'no answer from https://api.test: certificate has expired; renew it, unless the clock of this host is wrong',
  ],
  [
    new TypeError('fetch failed', { cause: new Error('certificate is not yet valid') }),
    'fetch failed: certificate is not yet valid; renew it, unless the clock of this host is wrong',
  ],
  ['text', 'text'],
])('%s is told in words', (error, words) => expect(messageOf(error)).toBe(words));

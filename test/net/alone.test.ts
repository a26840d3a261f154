import { once } from 'node:events';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { enforcing, type Fleet, openFleet } from './fleet.ts';
import { until } from './until.ts';

let fleet: Fleet;
beforeAll(async () => {
  fleet = await openFleet([
    { name: 'one', addresses: ['10.0.0.1'], tags: [] },
    { name: 'two', addresses: ['10.0.0.2'], tags: [] },
  ]);
});
afterAll(() => fleet?.close());

test('a second agent on a host is refused, and the first goes on; on another host, or verifying only, it is none', async () => {
  const first = await fleet.start('one');
  await enforcing(first);
  const second = await fleet.start('one');
  const [code] = await once(second.process, 'close');
  expect(code).toBe(1);
  expect(second.err()).toMatch(
    new RegExp(`enforces here already, process ${first.process.pid}; end it first`),
  );
  expect(await fleet.command(first.host, 'status', '--state', first.folder)).toContain(
    `process ${first.process.pid}`,
  );
  const verifying = await fleet.start('one', '--no-enforce', '--state', `${fleet.place}/verifying`);
  await until('the other to verify', () => verifying.out().includes('revision') || undefined);
  await enforcing(await fleet.start('two'));
  await first.kill('SIGKILL');
  await enforcing(await fleet.start('one'));
});

import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { enforcing, type Fleet, openFleet, type RealAgent } from './fleet.ts';
import { until } from './until.ts';

let fleet: Fleet;
let silent: Server;
const asked: Socket[] = [];
beforeAll(async () => {
  fleet = await openFleet([{ name: 'one', addresses: ['10.0.0.1'], tags: [] }]);
  const { hostname } = new URL(fleet.controlPlane().url);
  silent = createServer(socket => {
    // Takes every question, and answers none.
    asked.push(socket.resume().on('error', () => undefined));
  }).listen(0, hostname);
  await once(silent, 'listening');
}, 60_000);
afterAll(async () => {
  for (const socket of asked) socket.destroy();
  silent?.close();
  await fleet?.close();
});

/** How it ended, and after how many milliseconds. */
async function ended(
  agent: RealAgent,
): Promise<{ code: number | null; signal: string | null; took: number }> {
  const begun = performance.now();
  agent.process.kill('SIGTERM');
  const [code, signal] = await once(agent.process, 'close');
  return { code, signal, took: performance.now() - begun };
}
/** systemd waits for 20 s, and kills then. */
const SOON = 10_000;

test('an agent ends soon, and well, though the control plane takes its question and never answers', async () => {
  const { port, address } = silent.address() as AddressInfo;
  const agent = await fleet.start('one', '--api', `http://${address}:${port}`);
  await until('a question', () => asked.length > 0);
  const { code, took } = await ended(agent);
  expect(code).toBe(0);
  expect(took).toBeLessThan(SOON);
});

test('whenever it is told to, an agent ends soon; the next one goes on from what it left', async () => {
  for (const after of [0, 100, 200, 300, 400, 500, 600, 800, 1000, 1500]) {
    const agent = await fleet.start('one');
    await wait(after);
    const { code, signal, took } = await ended(agent);
    // Before its code is loaded nobody listens to the signal.
    expect(
      [
        [0, null],
        [null, 'SIGTERM'],
      ],
      `${after}: ${agent.err()}`,
    ).toContainEqual([code, signal]);
    expect(took).toBeLessThan(SOON);
  }
  const agent = await fleet.start('one');
  expect((await enforcing(agent)).troubles).toEqual({});
  await agent.kill('SIGTERM');
});

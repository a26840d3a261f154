import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Client } from '../../shared/api/client.ts';
import type { FlowReport } from '../../shared/schema/flowreport.ts';
import { NamespacePath } from '../../shared/schema/ids.ts';
import { flowAt } from '../contract/flow-store.ts';
import { nextID } from '../make/objects.ts';
import { administratorOf, type Started, scratch, start } from '../make/process.ts';

const NAMESPACE = NamespacePath.parse('/acme');
const KILLS = 5;
const BATCH = 50;
const SENDERS = 4;

let folder: Awaited<ReturnType<typeof scratch>>;
let running: Started | undefined;
beforeEach(async () => {
  folder = await scratch();
});
afterEach(async () => {
  await running?.end('SIGKILL');
  await folder.remove();
});

const begin = async (data: string): Promise<Client> => {
  running = start(data, 0);
  await running.listening;
  return administratorOf(data);
};

/** A record that is told from others by a name of its own: its ID is the API's. */
const named = (time: string): FlowReport => flowAt(NAMESPACE, time, { destinationName: nextID() });
const nameOf = ({ destinationName = '' }: FlowReport): string => destinationName;

const everything = async (client: Client): Promise<FlowReport[]> => {
  const found: FlowReport[] = [];
  let after: string | undefined;
  do {
    const query = { limit: 1000, ...(after === undefined ? {} : { after }) };
    const { body, next } = await client.call('listFlowReports', { namespace: NAMESPACE, query });
    found.push(...body);
    after = next;
  } while (after !== undefined);
  return found;
};

test('flow records that were acknowledged outlive every kill -9, and are read once though they are sent again', async () => {
  const data = join(folder.path, 'data');
  let client = await begin(data);
  await client.call('createNamespace', { namespace: '/', body: { name: 'acme' } });
  const acknowledged = new Set<string>();
  const waiting: FlowReport[][] = [];
  for (let kill = 0; kill < KILLS; kill++) {
    const send = async (): Promise<void> => {
      for (;;) {
        const time = new Date().toISOString();
        const batch = waiting.pop() ?? Array.from({ length: BATCH }, () => named(time));
        try {
          await client.call('createFlowReports', { namespace: NAMESPACE, body: batch });
          for (const record of batch) acknowledged.add(nameOf(record));
        } catch {
          // Nobody knows whether it arrived: it goes again to the next process.
          waiting.push(batch);
          return;
        }
      }
    };
    const senders = Array.from({ length: SENDERS }, send);
    await sleep(300 + 100 * kill);
    await running?.end('SIGKILL');
    await Promise.all(senders);
    client = await begin(data);
  }
  for (const body of waiting) await client.call('createFlowReports', { namespace: NAMESPACE, body });
  for (const record of waiting.flat()) acknowledged.add(nameOf(record));

  const found = await everything(client);
  const names = found.map(nameOf);
  const there = new Set(names);
  expect(acknowledged.size).toBeGreaterThan(KILLS * BATCH);
  expect(there.size).toBe(names.length);
  expect([...acknowledged].filter(name => !there.has(name)).slice(0, 3)).toEqual([]);
}, 90_000);

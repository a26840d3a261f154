import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { documentClient } from '../../shared/adapters/aws/document.ts';
import { itemTable } from '../../shared/adapters/aws/items.ts';
import { type CannedServer, cannedServer } from '../make/canned-server.ts';
import { testClock } from '../make/clock.ts';

const TABLE = 'table';
const Key = z.object({ pk: z.object({ S: z.string() }), sk: z.object({ S: z.string() }) });
const Asked = z.object({ RequestItems: z.object({ [TABLE]: z.object({ Keys: z.array(Key).max(100) }) }) });

/** How many requests there were, and how many at once at most. */
interface Seen {
  requests: number;
  atOnce: number;
}

/** A table that holds every key with an even number, and answers as many keys of a request as `processes` says. */
async function table(processes: (keys: number) => number): Promise<CannedServer & { seen: Seen }> {
  const seen = { requests: 0, atOnce: 0 };
  let underWay = 0;
  const server = await cannedServer(async ({ body }) => {
    const { Keys } = Asked.parse(JSON.parse(body)).RequestItems[TABLE];
    underWay += 1;
    seen.requests += 1;
    seen.atOnce = Math.max(seen.atOnce, underWay);
    await sleep(5);
    underWay -= 1;
    const done = Keys.slice(0, processes(Keys.length));
    const left = Keys.slice(done.length);
    return {
      body: {
        Responses: { [TABLE]: done.filter(({ sk }) => Number(sk.S) % 2 === 0) },
        UnprocessedKeys: left.length > 0 ? { [TABLE]: { Keys: left } } : {},
      },
    };
  });
  return { ...server, seen };
}

const keys = (count: number) => Array.from({ length: count }, (_, at) => ({ pk: '/t', sk: String(at) }));

const read = async ({ url }: CannedServer, count: number): Promise<string[]> => {
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
  const client = documentClient({ endpoint: url, region: 'eu-west-1', credentials });
  const clock = { ...testClock(), randomBytes: (size: number) => new Uint8Array(size) };
  const items = await itemTable(client, TABLE, clock).getAll(keys(count));
  client.destroy();
  return items.map(({ sk }) => sk).toSorted((a, b) => Number(a) - Number(b));
};

it('many items are read in batches of 100, up to eight at once', async () => {
  const server = await table(count => count);
  expect(await read(server, 2000)).toHaveLength(1000);
  expect(server.seen).toEqual({ requests: 20, atOnce: 8 });
  await server.stop();
});

it('every item that is there is given once, however many keys each answer leaves over', async () => {
  const counts = fc.array(fc.nat(100), { minLength: 1, maxLength: 20 });
  await fc.assert(
    fc.asyncProperty(fc.nat(450), counts, async (count, some) => {
      let at = 0;
      // Never nothing for longer than it is asked again.
      const server = await table(all => Math.min(all, Math.max(at % 3, some[at++ % some.length] ?? 1)));
      const there = keys(count).filter(({ sk }) => Number(sk) % 2 === 0);
      expect(await read(server, count)).toEqual(there.map(({ sk }) => sk));
      await server.stop();
    }),
    { numRuns: 10 },
  );
});

it('a table that answers nothing is asked eight times and then said to be limiting requests', async () => {
  const server = await table(() => 0);
  await expect(read(server, 10)).rejects.toMatchObject({ kind: 'too_many_requests' });
  expect(server.seen.requests).toBe(8);
  await server.stop();
});

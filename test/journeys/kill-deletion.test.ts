import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { administratorOf, type Started, scratch, start } from '../make/process.ts';

let folder: Awaited<ReturnType<typeof scratch>>;
let running: Started[];
beforeEach(async () => {
  folder = await scratch();
  running = [];
});
afterEach(async () => {
  await Promise.all(running.map(each => each.end('SIGKILL')));
  await folder.remove();
});

const begin = async (data: string) => {
  const started = start(data, 0);
  running.push(started);
  await started.listening;
  return { plane: started, client: await administratorOf(data) };
};

const NAMESPACES = 40;

test('a namespace that was deleted with all below it is removed by the next process, if the first is killed', async () => {
  const data = join(folder.path, 'data');
  const first = await begin(data);
  const make = async (namespace: string, name: string) =>
    (await first.client.call('createNamespace', { namespace, body: { name } })).body;
  const { ID } = await make('/', 'acme');
  for (let at = 0; at < NAMESPACES; at += 1) {
    const { name } = await make('/acme', `n${at}`);
    await first.client.call('createExternalnetwork', {
      namespace: name,
      body: { name: 'network', entries: ['10.0.0.0/8'] },
    });
  }
  await first.client.call('deleteNamespace', {
    namespace: '/',
    params: { id: ID },
    query: { recursive: true },
  });
  const { body } = await first.client.call('listNamespace', { namespace: '/', query: { recursive: true } });
  expect(body).toEqual([]);
  await first.plane.end('SIGKILL');

  const second = await begin(data);
  // The name is free again only when nothing is left.
  await expect
    .poll(
      () =>
        second.client.call('createNamespace', { namespace: '/', body: { name: 'acme' } }).then(
          () => 'free',
          () => 'taken',
        ),
      { timeout: 30_000, interval: 200 },
    )
    .toBe('free');
  for (const operation of ['listNamespace', 'listExternalnetwork'] as const) {
    const left = await second.client.call(operation, { namespace: '/acme', query: { recursive: true } });
    expect(left.body).toEqual([]);
  }
}, 90_000);

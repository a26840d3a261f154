import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { expect, test } from 'vitest';
import { keyOf, openers } from '../../clients/enforcer/connections/openers.ts';
import { until } from './until.ts';

const HERE = '127.0.0.1';

test.each([
  ['nobody has said anything', 0, 0],
  ['the opener has said something', 10, 0],
  ['the other has said something', 0, 10],
  ['both have said much', 300_000, 200_000],
])('whose listener is gone is told from who opened the connection, when %s', async (_, opener, other) => {
  const server = createServer().listen(0, HERE);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const accepted = once(server, 'connection');
  const client = connect(port, HERE);
  const [socket] = (await accepted) as [Socket];
  server.close();
  for (const end of [client, socket]) end.resume();
  client.write('x'.repeat(opener));
  socket.write('x'.repeat(other));
  const ends = [
    { address: HERE, port: client.localPort ?? 0 },
    { address: HERE, port },
  ] as const;
  const found = await until('both to be told', async () => {
    const all = await openers();
    const [there, back] = [all.get(keyOf(ends[0], ends[1])), all.get(keyOf(ends[1], ends[0]))];
    return there === undefined || back === undefined ? undefined : [there, back];
  });
  expect(found).toEqual([true, false]);
  for (const end of [client, socket]) end.destroy();
});

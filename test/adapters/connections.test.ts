import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { openConnections } from '../../shared/adapters/local/connections.ts';
import { ROOT } from '../../shared/schema/ids.ts';
import { connectionIn, connectionsContract } from '../contract/connections.ts';
import { openSockets } from '../make/sockets.ts';

connectionsContract('sockets of this process', async () => {
  const [connections, sockets] = [openConnections(), await openSockets()];
  return {
    connections,
    open: async id => {
      const [socket, client] = await sockets.pair();
      const heard: string[] = [];
      const bytes: Uint8Array[] = [];
      client.on('message', (data: Buffer, isBinary) =>
        isBinary ? bytes.push(new Uint8Array(data)) : heard.push(String(data)),
      );
      connections.attach(id, socket);
      return {
        received: async () => heard,
        bytes: async () => bytes,
        isOpen: async () => client.readyState === WebSocket.OPEN,
        vanish: async () => client.terminate(),
      };
    },
    stop: async () => {
      connections.stop();
      await sockets.stop();
    },
  };
});

describe('sockets of this process', () => {
  let sockets: Awaited<ReturnType<typeof openSockets>>;
  beforeAll(async () => {
    sockets = await openSockets();
  });
  afterAll(() => sockets.stop());

  async function one(connections: ReturnType<typeof openConnections>, options = {}) {
    const connection = connectionIn(ROOT);
    await connections.add(connection);
    const [socket, client] = await sockets.pair(options);
    connections.attach(connection.id, socket);
    return { connection, client };
  }

  it('that read more slowly than events come are hung up on, and hold no memory', async () => {
    const connections = openConnections();
    const { connection, client } = await one(connections);
    client.pause();
    for (let sent = 0; sent < 200 && (await connections.isHeard(ROOT)); sent += 1) {
      await connections.send(connection, 'x'.repeat(100_000));
    }
    expect(await connections.open(ROOT)).toEqual([]);
    client.terminate();
    connections.stop();
  });

  it('that no longer answer are dropped', async () => {
    const connections = openConnections({ heartbeat: 50 });
    const { client } = await one(connections, { autoPong: false });
    await once(client, 'close');
    await expect.poll(() => connections.open(ROOT)).toEqual([]);
    connections.stop();
  });

  it.each([
    ['last too long', { longest: 100 }, 'long enough'],
    ['nothing is said over', { idle: 100 }, 'nothing was said'],
  ])('that %s end as they do at API Gateway', async (_when, limits, reason) => {
    const connections = openConnections({ heartbeat: 20, ...limits });
    const { client } = await one(connections);
    const [code, said] = await once(client, 'close');
    expect([code, String(said)]).toEqual([1001, expect.stringContaining(reason)]);
    await expect.poll(() => connections.open(ROOT)).toEqual([]);
    connections.stop();
  });

  it.each([
    ['said', (client: WebSocket) => client.send('{}')],
    ['told', async () => undefined],
  ])('over which something is %s now and then do not end', async (who, say) => {
    const connections = openConnections({ heartbeat: 20, idle: 400 });
    const { connection, client } = await one(connections);
    for (let times = 0; times < 12; times += 1) {
      await new Promise(done => setTimeout(done, 60));
      await (who === 'told' ? connections.send(connection, '{}') : say(client));
    }
    expect(client.readyState).toBe(WebSocket.OPEN);
    connections.stop();
  });

  it('are told when the server ends', async () => {
    const connections = openConnections();
    const { client } = await one(connections);
    const closed = once(client, 'close');
    connections.stop();
    expect((await closed)[0]).toBe(1001);
  });

  it('that come to a connection which is gone are hung up on', async () => {
    const connections = openConnections();
    const [socket, client] = await sockets.pair();
    connections.attach('nobody', socket);
    expect((await once(client, 'close'))[0]).toBe(1001);
    connections.stop();
  });
});

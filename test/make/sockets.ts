import { once } from 'node:events';
import { createServer } from 'node:http';
import type { ClientOptions } from 'ws';
import { WebSocket, WebSocketServer } from 'ws';

/** Real sockets over loopback, by pairs. */
export async function openSockets() {
  const server = createServer();
  const sockets = new WebSocketServer({ server });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = address !== null && typeof address === 'object' ? address.port : 0;
  return {
    /** The server's end and the client's. */
    async pair(options: ClientOptions = {}): Promise<[WebSocket, WebSocket]> {
      const arrived = once(sockets, 'connection');
      const client = new WebSocket(`ws://127.0.0.1:${port}`, options);
      client.on('error', () => undefined);
      const [socket] = await arrived;
      return [socket, client];
    },
    stop: async () => {
      for (const socket of sockets.clients) socket.terminate();
      await new Promise(done => server.close(done));
    },
  };
}

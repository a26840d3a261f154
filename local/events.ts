import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import type { Deps } from '../functions/deps.ts';
import { enter, type ListenDeps, said } from '../functions/listen.ts';
import { problem } from '../functions/pipeline/problem.ts';
import type { LocalConnections } from '../shared/adapters/local/connections.ts';
import { newObjectId } from '../shared/core/object.ts';
import { Failure, fail } from '../shared/schema/failure.ts';
import { LISTENING } from '../shared/schema/push.ts';

/** A code of RFC 6455, 7.4.1. */
const SERVER_ERROR = 1011;

const headersOf =
  ({ headers }: IncomingMessage) =>
  (name: string): string | undefined =>
    headers[name]?.toString();

/** Refuses before anything was agreed on, in the words of every other refusal. */
function refuse(socket: Duplex, error: unknown, trace: string): void {
  const { code, body } = problem(error, trace);
  const text = JSON.stringify(body);
  socket.end(
    [
      `HTTP/1.1 ${code} ${body[0]?.title ?? ''}`,
      'content-type: application/json',
      `content-length: ${Buffer.byteLength(text)}`,
      'connection: close',
      '',
      text,
    ].join('\r\n'),
  );
}

/** Hands on what a listener says. */
function listen(id: string, socket: WebSocket, deps: ListenDeps & { connections: LocalConnections }): void {
  const { connections, log } = deps;
  connections.attach(id, socket);
  socket.on('message', async (data, isBinary) => {
    const message = isBinary ? new Uint8Array(data as Buffer) : String(data);
    await said(id, message, deps).catch(error => {
      log.error('a push configuration failed', { error: String(error) });
      socket.close(SERVER_ERROR, 'something went wrong here');
    });
  });
}

/** `GET /events`: push events over WebSocket, on the port of everything else. */
export function serveEvents(front: Server, connections: LocalConnections, deps: () => Deps): void {
  const sockets = new WebSocketServer({ noServer: true, maxPayload: LISTENING.frameBytes });
  front.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    const { clock, log } = deps();
    const id = newObjectId(clock.now(), size => clock.randomBytes(size));
    socket.on('error', () => socket.destroy());
    const answer = async (): Promise<void> => {
      const target = `http://localhost${request.url ?? '/'}`;
      if (!URL.canParse(target)) throw fail('bad_request', 'the path is no part of a URL');
      const { pathname, searchParams: query } = new URL(target);
      if (!/^(\/v\/\d+)?\/events$/.test(pathname))
        throw fail('not_found', `nothing listens at ${pathname}; use /events`);
      const address = request.socket.remoteAddress ?? '';
      const all = { ...deps(), connections };
      await enter({ id, query, header: headersOf(request), address }, all);
      socket.once('close', () => connections.remove(id));
      sockets.handleUpgrade(request, socket, head, open => listen(id, open, all));
    };
    answer().catch(error => {
      if (!(error instanceof Failure)) log.error('the front failed', { error: String(error) });
      refuse(socket, error, id);
    });
  });
}

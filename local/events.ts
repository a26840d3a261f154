import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import type { Deps } from '../functions/deps.ts';
import { arrived, configured, errorEvent, refuseCrowd } from '../functions/listen.ts';
import { problem } from '../functions/pipeline/problem.ts';
import type { LocalConnections } from '../shared/adapters/local/connections.ts';
import { newObjectId } from '../shared/core/object.ts';
import type { Connection } from '../shared/ports/connections.ts';
import { Failure, fail } from '../shared/schema/failure.ts';

/** Bytes of a configuration. */
const LONGEST = 64 * 1024;

const bearerOf = ({ headers }: IncomingMessage): string | undefined =>
  /^Bearer ([\w.-]+)$/i.exec(headers.authorization ?? '')?.[1];

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

/** Takes what a listener says as its new configuration. */
function listen(
  connection: Connection,
  socket: WebSocket,
  tellsErrors: boolean,
  connections: LocalConnections,
  deps: Deps,
): void {
  connections.add(connection, socket);
  socket.on('message', (data, isBinary) => {
    try {
      if (isBinary) throw fail('bad_request', 'the message is binary; send JSON as text');
      connections.change(connection.id, configured(String(data), connection, deps.clock.now()));
    } catch (error) {
      const reasons = error instanceof Failure ? error.details.map(({ description }) => description) : [];
      if (!(error instanceof Failure))
        deps.log.error('a push configuration failed', { error: String(error) });
      if (tellsErrors) socket.send(JSON.stringify(errorEvent(reasons, deps.clock.now())));
      else void connections.close(connection.id, reasons.join('; ') || 'something went wrong here');
    }
  });
}

/** `GET /events`: push events over WebSocket, on the port of everything else. */
export function serveEvents(front: Server, connections: LocalConnections, deps: () => Deps): void {
  const sockets = new WebSocketServer({ noServer: true, maxPayload: LONGEST });
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
      const arrival = await arrived({ query, token: bearerOf(request), address }, deps());
      refuseCrowd(await connections.open(), arrival);
      sockets.handleUpgrade(request, socket, head, open =>
        listen({ id, ...arrival }, open, query.has('enableErrors'), connections, deps()),
      );
    };
    answer().catch(error => {
      if (!(error instanceof Failure)) log.error('the front failed', { error: String(error) });
      refuse(socket, error, id);
    });
  });
}

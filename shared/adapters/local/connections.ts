import type { WebSocket } from 'ws';
import type { Connection, Connections } from '../../ports/connections.ts';

/** Bytes that may wait for a listener; one that reads more slowly is hung up on. */
const MOST_WAITING = 1024 * 1024;
/** Milliseconds between two looks at whether a listener is still there. */
const HEARTBEAT = 30_000;

/** Codes of RFC 6455, 7.4.1, and of its registry. */
const [GOING_AWAY, POLICY, TRY_LATER] = [1001, 1008, 1013];
/** Bytes of a reason that a closing frame has room for. */
const LONGEST_REASON = 123;

const short = (reason: string): string =>
  Buffer.from(reason).subarray(0, LONGEST_REASON).toString().toWellFormed();

export interface LocalConnections extends Connections {
  /** Takes a socket in, until it closes. */
  add(connection: Connection, socket: WebSocket): void;
  /** Changes what a connection wants to hear of. */
  change(id: string, config: Connection['config']): void;
  /** Hangs up on everybody, because this process ends. */
  stop(): void;
}

interface Open {
  connection: Connection;
  socket: WebSocket;
  /** It answered the last ping. */
  isThere: boolean;
}

/** The open sockets of this process. */
export function openConnections(heartbeat = HEARTBEAT): LocalConnections {
  const all = new Map<string, Open>();
  const timer = setInterval(() => {
    for (const open of all.values()) {
      if (!open.isThere) open.socket.terminate();
      open.isThere = false;
      open.socket.ping();
    }
  }, heartbeat);
  timer.unref();
  return {
    add: (connection, socket) => {
      const open = { connection, socket, isThere: true };
      all.set(connection.id, open);
      socket.on('pong', () => {
        open.isThere = true;
      });
      socket.on('close', () => all.delete(connection.id));
      // What follows an error is a close.
      socket.on('error', () => undefined);
    },
    change: (id, config) => {
      const open = all.get(id);
      if (open) open.connection = { ...open.connection, config };
    },
    open: async () => [...all.values()].map(({ connection }) => connection),
    send: async (id, message) => {
      const socket = all.get(id)?.socket;
      if (!socket) return;
      if (socket.bufferedAmount + message.length > MOST_WAITING) {
        all.delete(id);
        return socket.close(TRY_LATER, 'events come faster than they are read');
      }
      socket.send(message);
    },
    close: async (id, reason) => {
      const socket = all.get(id)?.socket;
      all.delete(id);
      socket?.close(POLICY, short(reason));
    },
    stop: () => {
      clearInterval(timer);
      for (const { socket } of all.values()) socket.close(GOING_AWAY, 'the server ends');
      for (const { socket } of all.values()) socket.terminate();
    },
  };
}

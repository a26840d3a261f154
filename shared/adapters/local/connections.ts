import type { WebSocket } from 'ws';
import type { Connection, Connections } from '../../ports/connections.ts';
import { type NamespacePath, tenantOf } from '../../schema/ids.ts';
import { LISTENING } from '../../schema/push.ts';
import { callerOf } from '../table/connection-keys.ts';

/** Bytes that may wait for a listener; one that reads more slowly is hung up on. */
const MOST_WAITING = 1024 * 1024;

/** Codes of RFC 6455, 7.4.1, and of its registry. */
const [GOING_AWAY, POLICY, TRY_LATER] = [1001, 1008, 1013];
/** Bytes of a reason that a closing frame has room for. */
const LONGEST_REASON = 123;

const short = (reason: string): string =>
  Buffer.from(reason).subarray(0, LONGEST_REASON).toString().toWellFormed();

export interface LocalConnections extends Connections {
  /** Gives a connection that was taken in its socket, until that closes. */
  attach(id: string, socket: WebSocket): void;
  /** Hangs up on everybody, because this process ends. */
  stop(): void;
}

interface Options {
  /** Milliseconds between two looks at whether a listener is still there. */
  heartbeat?: number;
  longest?: number;
  idle?: number;
}

interface Open {
  connection: Connection;
  socket?: WebSocket;
  /** It answered the last ping. */
  isThere: boolean;
  /** When it was attached, and when the last message went over it. */
  opened: number;
  used: number;
}

/** The open sockets of this process. They end as API Gateway ends them, so that clients learn it here. */
export function openConnections({
  heartbeat = 30_000,
  longest = LISTENING.longest,
  idle = LISTENING.idle,
}: Options = {}): LocalConnections {
  const all = new Map<string, Open>();
  const of = (tenant: NamespacePath) =>
    [...all.values()].filter(({ connection }) => tenantOf(connection.namespace) === tenant);
  const look = (open: Open, socket: WebSocket, now: number): void => {
    if (!open.isThere) socket.terminate();
    else if (now - open.opened >= longest) socket.close(GOING_AWAY, 'it lasted long enough; come again');
    else if (now - open.used >= idle) socket.close(GOING_AWAY, 'nothing was said; come again');
    else {
      open.isThere = false;
      socket.ping();
    }
  };
  const timer = setInterval(() => {
    const now = performance.now();
    for (const open of all.values()) if (open.socket) look(open, open.socket, now);
  }, heartbeat);
  timer.unref();

  return {
    attach: (id, socket) => {
      const open = all.get(id);
      if (!open) {
        socket.close(GOING_AWAY);
        return;
      }
      const now = performance.now();
      Object.assign(open, { socket, opened: now, used: now });
      socket.on('pong', () => {
        open.isThere = true;
      });
      socket.on('message', () => {
        open.used = performance.now();
      });
      socket.on('close', () => all.delete(id));
      // What follows an error is a close.
      socket.on('error', () => undefined);
    },
    open: async tenant => of(tenant).map(({ connection }) => connection),
    isHeard: async tenant => of(tenant).length > 0,
    everybody: async () => [...all.values()].map(({ connection }) => connection),
    crowd: async ({ namespace, claims }) => {
      const there = of(tenantOf(namespace));
      const caller = callerOf(claims);
      const own = there.filter(({ connection }) => callerOf(connection.claims) === caller);
      return { all: there.length, own: own.length };
    },
    get: async id => all.get(id)?.connection,
    add: async connection => {
      all.set(connection.id, { connection, isThere: true, opened: 0, used: 0 });
    },
    change: async (id, config) => {
      const open = all.get(id);
      if (open) open.connection = { ...open.connection, config };
    },
    remove: async id => {
      all.delete(id);
    },
    send: async ({ id }, message) => {
      const open = all.get(id);
      if (!open?.socket) return;
      if (open.socket.bufferedAmount + message.length > MOST_WAITING) {
        all.delete(id);
        return open.socket.close(TRY_LATER, 'events come faster than they are read');
      }
      open.used = performance.now();
      open.socket.send(message);
    },
    close: async (id, reason) => {
      const socket = all.get(id)?.socket;
      all.delete(id);
      socket?.close(POLICY, short(reason));
    },
    stop: () => {
      clearInterval(timer);
      for (const { socket } of all.values()) socket?.close(GOING_AWAY, 'the server ends');
      for (const { socket } of all.values()) socket?.terminate();
    },
  };
}

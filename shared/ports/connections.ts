import type { NamespacePath } from '../schema/ids.ts';
import type { PushConfig, PushMedia } from '../schema/push.ts';
import type { TokenClaims } from '../schema/token.ts';

/** Somebody who listens to push events. */
export interface Connection {
  id: string;
  claims: TokenClaims;
  /** Where it calls from. */
  address: string;
  namespace: NamespacePath;
  /** What happens in the namespaces below too. */
  recursive: boolean;
  config: PushConfig;
  /** What is wrong is told as an event, before the connection ends or instead of it. */
  tellsErrors: boolean;
  /** How it reads events, and how it writes configurations. */
  reads: PushMedia;
  writes: PushMedia;
  /** When it came: RFC 3339 UTC. */
  since: string;
}

/** Connections that are open at a moment. */
export interface Crowd {
  /** In the tenant. */
  all: number;
  /** In the tenant, of one caller. */
  own: number;
}

/** Open connections of push events. A tenant is its path; the root is one too, of those who listen to `/` itself. */
export interface Connections {
  /** Who listens in the tenant. Consistent. */
  open(tenant: NamespacePath): Promise<readonly Connection[]>;
  /** Whether anybody does: cheaper than `open`. Consistent. */
  isHeard(tenant: NamespacePath): Promise<boolean>;
  /** Everybody, of all tenants, for a look at each of them now and then. May be stale by moments. */
  everybody(): Promise<readonly Connection[]>;
  /** May be stale by moments. */
  crowd(by: Pick<Connection, 'namespace' | 'claims'>): Promise<Crowd>;
  get(id: string): Promise<Connection | undefined>;
  /** Takes in one that is about to open. */
  add(connection: Connection): Promise<void>;
  /** Changes what a connection wants to hear of; nothing when it is gone. */
  change(id: string, config: PushConfig): Promise<void>;
  /** Forgets one that is gone. */
  remove(id: string): Promise<void>;
  /** Hands a message over. One that is gone is forgotten; one that takes too few is closed: what it lost is not sent again. */
  send(connection: Connection, message: string | Uint8Array): Promise<void>;
  /** Ends a connection, tells why where there is a way to, and forgets it. */
  close(id: string, reason: string): Promise<void>;
}

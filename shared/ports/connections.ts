import type { NamespacePath } from '../schema/ids.ts';
import type { PushConfig } from '../schema/push.ts';
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
}

/** Open connections of push events. */
export interface Connections {
  open(): Promise<readonly Connection[]>;
  /** Hands a message over. One that takes too few of them is closed: what it lost is not sent again. */
  send(id: string, message: string): Promise<void>;
  /** Ends a connection and tells why. */
  close(id: string, reason: string): Promise<void>;
}

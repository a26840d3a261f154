import type { Holding } from './holding.ts';
import type { Infrastructure } from './infrastructure.ts';
import type { Membership } from './membership.ts';
import type { AgentParts } from './parts.ts';
import type { Troubles } from './troubles.ts';

/** What the parts of one agent share. */
export interface Insides {
  parts: AgentParts;
  holding: Holding;
  troubles: Troubles;
  infrastructure: Infrastructure;
  membership: Membership;
  /** Tells on the host what is so now. */
  writeStatus: () => void;
}

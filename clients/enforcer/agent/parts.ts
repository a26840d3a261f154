import type { AgentClient } from '../../../shared/api/agent-client.ts';
import type { Enforcer } from '../../../shared/schema/enforcer.ts';
import type { Clock } from '../clock.ts';
import type { DataPlane } from '../data-plane.ts';
import type { Log } from '../log.ts';
import type { Names } from '../names/names.ts';
import type { Machine } from '../register.ts';
import type { CgroupAt } from './cgroups.ts';
import type { Describe } from './description.ts';
import type { Holding } from './holding.ts';
import type { Order } from './orders.ts';
import type { Status } from './status.ts';
import type { Troubles } from './troubles.ts';
import type { BeforePolicy } from './undecided.ts';
import type { FoundUnit } from './units.ts';

/** Reports flows while the agent runs; see flows/. */
export interface Flows {
  start(context: FlowContext): void;
  stop(): Promise<void>;
  readonly stats: Status['flows'];
}

export interface FlowContext {
  client: AgentClient;
  /** Undefined before the host is registered. */
  enforcer: () => Enforcer | undefined;
  holding: Holding;
  troubles: Troubles;
}

export interface AgentParts {
  client: AgentClient;
  api: string;
  /** URLs of proxies through which the control plane is asked. */
  proxies?: readonly string[];
  namespace: string;
  machine: Machine;
  /** Of the credential that this host holds. Absent: the cloud proves who it is. */
  credentialID?: string;
  /** Root of trust of the installation. */
  root: Uint8Array;
  folder: string;
  /** Absent: bundles are verified and nothing is enforced. */
  plane?: DataPlane;
  flows?: Flows;
  /** Absent: DNS names of external networks lead nowhere. */
  names?: Names;
  clock: Clock;
  log: Log;
  /** One line for people about each thing that happened. */
  say: (text: string) => void;
  /** The units of this host as they are now. */
  findUnits: () => Promise<FoundUnit[]>;
  /** Milliseconds between two polls. */
  interval: number;
  layer3Only: boolean;
  /** What passes until a policy was verified here. */
  beforePolicy: BeforePolicy;
  /** Ends with the first bundle that holds. */
  once: boolean;
  cloud: boolean;
  /** Which control group has a path now; the kernel's. */
  cgroupAt?: CgroupAt;
  /** Of bridges whose packets pass no rules, those at which these addresses are; the kernel's. See bridges.ts. */
  bridges?: (addresses: readonly string[]) => string[];
  /** Why another agent may enforce here, if one may; see claim.ts. Absent: nobody asks. */
  others?: () => Promise<string | undefined>;
  /** What is told of this host. Absent: nothing is. */
  describe?: Describe;
  /** Hands an order to change the installed version to a runner. Absent: nothing is installed that could be changed. */
  obey?: (order: Order) => Promise<void>;
}

import type { Ec2Instance } from '../schema/instance.ts';

/** A program that is to outlive whoever starts it. */
export interface Detached {
  /** One of a name runs at a time. Letters, digits and `-`. */
  name: string;
  /** The program and its arguments. It ends with 0 when it is done. */
  command: readonly [string, ...string[]];
}

/**
 * Where the runner of an upgrade runs: outside the agent, which it removes, and outside the agent's control group, which ends
 * with the agent's service.
 */
export interface RunnerPlace {
  /** Starts it unless one of that name runs, and again, after a second, until it ends with 0. */
  start(detached: Detached): Promise<void>;
  runs(name: string): Promise<boolean>;
}

/** Where runners of other machines run. */
export interface RunnerPlaces {
  /** Undefined where this installation can start nothing: outside AWS, and in accounts of others. */
  on(instance: Ec2Instance): RunnerPlace | undefined;
}

/** State machines, by the name of their file in statemachines/ without `.asl.json`. */
export type WorkflowName =
  | 'delete-namespace'
  | 'import-objects'
  | 'move-units'
  | 'onboard-account'
  | 'upgrade-enforcers';

export interface Execution {
  status: 'RUNNING' | 'SUCCEEDED' | 'FAILED' | 'TIMED_OUT' | 'ABORTED';
  input: unknown;
  /** When it succeeded. */
  output?: unknown;
  /** When it failed. */
  error?: string;
  cause?: string;
}

/** Step Functions, Standard. */
export interface Workflows {
  /**
   * Starts an execution under a name that is unique per workflow; a name that was used before starts nothing
   * (`started: false`), whatever its state. Durable when it resolves. `name`: 1 to 80 of `A-Z a-z 0-9 - _`.
   */
  start(workflow: WorkflowName, name: string, input: unknown): Promise<{ started: boolean }>;
  describe(workflow: WorkflowName, name: string): Promise<Execution | undefined>;
  /** Ends a task that waits for its token. A token that is unknown or used is `not_found`. */
  sendTaskSuccess(token: string, output: unknown): Promise<void>;
  sendTaskFailure(token: string, error: string, cause: string): Promise<void>;
  sendTaskHeartbeat(token: string): Promise<void>;
}

import { DatabaseSync } from 'node:sqlite';
import type { Log } from '../../functions/deps.ts';
import type { HistoryEvent } from '../../local/asl/execution.ts';
import type { JournalDatabase } from '../../local/asl/journal.ts';
import type { Invoke } from '../../local/asl/runner.ts';
import {
  type LocalWorkflows,
  openWorkflows,
  readStateMachines,
  type WorkflowsOptions,
} from '../../local/workflows.ts';
import type { Execution, WorkflowName } from '../../shared/ports/workflows.ts';
import { type Timeline, timeline } from './timeline.ts';

/** The one name that the port has; tests run machines of their own under it. */
export const WORKFLOW: WorkflowName = 'onboard-account';

const TEXTS = readStateMachines();

/** One of statemachines/: whoever starts over and over again need not load the others each time. */
export const only = (workflow: WorkflowName): Partial<Record<WorkflowName, string>> => ({
  [workflow]: TEXTS[workflow],
});

export const quiet: Log = { info: () => {}, warn: () => {}, error: () => {} };

/** Transactions as the real database has them, without its disk. */
export function memoryDatabase(): JournalDatabase {
  const handle = new DatabaseSync(':memory:');
  return {
    handle,
    path: 'memory',
    write: async work => {
      handle.exec('BEGIN');
      try {
        const result = work();
        handle.exec('COMMIT');
        return result;
      } catch (error) {
        handle.exec('ROLLBACK');
        throw error;
      }
    },
  };
}

type States = Record<string, unknown>;

/** The text of a machine that begins with its first state. */
export const machine = (states: States, more: Record<string, unknown> = {}): string =>
  JSON.stringify({ QueryLanguage: 'JSONata', StartAt: Object.keys(states)[0], States: states, ...more });

/** A Task that calls `${name}` with its input. */
export const call = (name: string, more: Record<string, unknown> = { End: true }) => ({
  Type: 'Task',
  Resource: 'arn:aws:states:::lambda:invoke',
  Arguments: { FunctionName: `\${${name}}`, Payload: '{% $states.input %}' },
  ...more,
});

/** A Task that gives `${name}` its token and waits for it. */
export const ask = (name: string, more: Record<string, unknown> = { End: true }) => ({
  ...call(name, more),
  Resource: 'arn:aws:states:::lambda:invoke.waitForTaskToken',
  Arguments: { FunctionName: `\${${name}}`, Payload: { token: '{% $states.context.Task.Token %}' } },
});

export interface Bench {
  workflows: LocalWorkflows;
  timeline: Timeline;
  /** Runs an execution and moves time on until it ends, or waits for nothing but a token. */
  execute(input?: unknown, name?: string): Promise<Execution>;
  /** Types of its events and their states: `PassStateEntered A`. */
  history(name?: string): string[];
}

/** A state machine over a database in memory, with time that moves only when told. */
export function bench(
  text: string,
  tasks: Record<string, Invoke> = {},
  options: Partial<WorkflowsOptions> & { time?: Timeline } = {},
): Bench {
  const { time = timeline(), ...rest } = options;
  const workflows = openWorkflows({
    database: memoryDatabase(),
    definitions: { [WORKFLOW]: text },
    tasks,
    clock: time,
    timers: time.timers,
    log: quiet,
    ...rest,
  });
  return {
    workflows,
    timeline: time,
    execute: async (input = {}, name = 'test') => {
      await workflows.start(WORKFLOW, name, input);
      return finish(workflows, time, name);
    },
    history: (name = 'test') => workflows.history(WORKFLOW, name).map(line),
  };
}

/** Moves time from timer to timer until an execution has ended or no timer is set. */
export async function finish(workflows: LocalWorkflows, time: Timeline, name = 'test'): Promise<Execution> {
  for (;;) {
    await workflows.idle();
    const execution = await workflows.describe(WORKFLOW, name);
    if (!execution) throw new Error(`no execution ${name}`);
    if (execution.status !== 'RUNNING' || !time.next()) return execution;
  }
}

const line = ({ type, state }: HistoryEvent): string => (state === undefined ? type : `${type} ${state}`);

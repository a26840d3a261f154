import { readFileSync } from 'node:fs';
import type { Log } from '../functions/deps.ts';
import type { Clock } from '../shared/ports/clock.ts';
import type { Execution, WorkflowName, Workflows } from '../shared/ports/workflows.ts';
import { fail } from '../shared/schema/failure.ts';
import type { Header, HistoryEvent, Running, Transition } from './asl/execution.ts';
import { type JournalDatabase, openJournal, type Unfinished } from './asl/journal.ts';
import { type Json, sizeOf, toJson } from './asl/json.ts';
import { LIMITS } from './asl/limits.ts';
import { load, type Machine } from './asl/load.ts';
import { mainThread } from './asl/progress.ts';
import { type Invoke, type Rim, Runner } from './asl/runner.ts';
import { systemTimers, type Timers } from './asl/timers.ts';

export interface WorkflowsOptions {
  database: JournalDatabase;
  /** Texts of the `.asl.json` files; those of statemachines/ unless given. */
  definitions?: Readonly<Partial<Record<WorkflowName, string>>>;
  /** Tasks by the names that the definitions call them. */
  tasks: Readonly<Record<string, Invoke>>;
  clock: Clock;
  log: Log;
  timers?: Timers;
  /** Delivers a task more than once, as Lambda may: how many times more. */
  duplicateDelivery?: (task: string) => number;
  /** Before and after each transition is recorded; throwing stops everything on the spot, like kill -9. */
  onTransition?: (moment: 'before' | 'after', transition: Transition) => void;
}

export interface LocalWorkflows extends Workflows {
  /** What happened in an execution, in order. */
  history(workflow: WorkflowName, name: string): (HistoryEvent & { time: number })[];
  /** Resolves when every execution waits for a timer, a token, or nothing. */
  idle(): Promise<void>;
  /** Lets tasks that run return, records their answers and begins nothing new. The rest goes on at the next start. */
  stop(): Promise<void>;
}

const FILES: Readonly<Record<WorkflowName, URL>> = {
  'delete-namespace': new URL('../statemachines/delete-namespace.asl.json', import.meta.url),
  'onboard-account': new URL('../statemachines/onboard-account.asl.json', import.meta.url),
};

/** The state machines of statemachines/, as text. */
export const readStateMachines = (): Record<WorkflowName, string> => ({
  'delete-namespace': readFileSync(FILES['delete-namespace'], 'utf8'),
  'onboard-account': readFileSync(FILES['onboard-account'], 'utf8'),
});

/**
 * Step Functions in one process: runs the definitions over the journal in the database, beginning with what an earlier
 * process left running, each execution by the definition that it was started with. Tasks are first invoked after the
 * caller's own turn.
 *
 * @throws `invalid` for a definition that the interpreter does not run in full
 */
export function openWorkflows(options: WorkflowsOptions): LocalWorkflows {
  const { clock, log, tasks, definitions = readStateMachines() } = options;
  const machines = loadAll(definitions, Object.keys(tasks));
  const journal = openJournal(options.database, clock.now());
  const runners = new Map<string, Runner>();
  const rim: Rim = {
    journal,
    clock,
    log,
    tasks,
    timers: options.timers ?? systemTimers,
    duplicates: options.duplicateDelivery ?? (() => 0),
    onTransition: options.onTransition ?? (() => {}),
    closed: header => {
      log.info('workflow ended', {
        workflow: header.workflow,
        execution: header.name,
        status: header.status,
      });
      runners.delete(keyOf(header));
    },
    mode: 'on',
    inFlight: new Set(),
  };
  const launch = (machine: Machine, execution: Running): void => {
    const runner = new Runner(machine, execution, rim);
    runners.set(keyOf(execution.header), runner);
    runner.go();
  };
  const goOn = ({ execution, definition }: Unfinished): void => {
    const { workflow, name } = execution.header;
    try {
      launch(load(workflow, definition, Object.keys(tasks)), execution);
    } catch (error) {
      log.error('a workflow cannot go on with this release', { workflow, execution: name, error });
    }
  };

  for (const unfinished of journal.unfinished()) goOn(unfinished);

  return {
    async start(workflow, name, input) {
      const machine = machines.get(workflow);
      const definition = definitions[workflow];
      if (!machine || definition === undefined)
        throw fail('not_found', `no workflow \`${workflow}\`; there are ${[...machines.keys()].join(', ')}`);
      requireUsable(rim);
      const header = opened(machine, checkedName(name), checkedInput(input), clock.now());
      const thread = mainThread(machine, header.input, clock.now());
      const started = await journal.begin(header, thread, definition);
      if (started) launch(machine, { header, threads: new Map([[thread.id, thread]]) });
      return { started };
    },
    async describe(workflow, name) {
      const header = journal.header(workflow, name);
      return header && described(header);
    },
    sendTaskSuccess: async (token, output) =>
      answer(token, { kind: 'succeeded', result: checkedInput(output) }),
    sendTaskFailure: async (token, error, cause) => answer(token, { kind: 'failed', error, cause }),
    sendTaskHeartbeat: async token => answer(token, { kind: 'heartbeat' }),
    history: (workflow, name) => journal.history(workflow, name),
    idle: () => idle(rim, runners),
    async stop() {
      rim.mode = rim.mode === 'dead' ? 'dead' : 'stopping';
      for (const runner of runners.values()) runner.halt();
      await idle(rim, runners);
      rim.mode = 'dead';
    },
  };

  async function answer(token: string, said: Answer): Promise<void> {
    requireUsable(rim);
    for (const runner of runners.values()) {
      const holder = runner.holding(token);
      if (holder && (await runner.tell({ ...holder, ...said }))) return;
    }
    throw fail('not_found', 'no task waits for this token: it was used, it timed out, or it never was');
  }
}

type Answer =
  | { kind: 'succeeded'; result: Json }
  | { kind: 'failed'; error: string; cause: string }
  | { kind: 'heartbeat' };

const loadAll = (definitions: Readonly<Record<string, string>>, tasks: string[]): Map<string, Machine> =>
  new Map(Object.entries(definitions).map(([name, text]) => [name, load(name, text, tasks)]));

const keyOf = ({ workflow, name }: Header): string => `${workflow}:${name}`;

/** Invocations may begin more turns and turns more invocations, so both must be found quiet at once. */
async function idle(rim: Rim, runners: ReadonlyMap<string, Runner>): Promise<void> {
  do {
    await Promise.all(rim.inFlight);
    await Promise.all([...runners.values()].map(runner => runner.idle()));
  } while (rim.inFlight.size > 0);
}

function requireUsable(rim: Rim): void {
  if (rim.mode !== 'on')
    throw fail('unavailable', 'the workflows are stopping; try again when they are back');
}

const opened = (machine: Machine, name: string, input: Json, now: Date): Header => ({
  workflow: machine.name,
  name,
  status: 'RUNNING',
  input,
  started: now.toISOString(),
  ...(machine.timeoutSeconds === undefined
    ? {}
    : { deadline: now.getTime() + machine.timeoutSeconds * 1000 }),
  counter: 0,
  events: 1,
});

const described = ({ status, input, output, error, cause }: Header): Execution => ({
  status,
  input,
  ...(output === undefined ? {} : { output }),
  ...(error === undefined ? {} : { error }),
  ...(cause === undefined ? {} : { cause }),
});

function checkedName(name: string): string {
  if (/^[A-Za-z0-9_-]{1,80}$/.test(name)) return name;
  throw fail('invalid', `\`${name}\` cannot name an execution; use 1 to 80 letters, digits, - and _`, {
    attribute: 'name',
    value: name,
  });
}

function checkedInput(value: unknown): Json {
  const json = toJson(value);
  const size = sizeOf(json);
  if (size <= LIMITS.payload) return json;
  throw fail(
    'too_large',
    `a workflow takes at most ${LIMITS.payload} bytes, this has ${size}; pass a key of the bucket`,
  );
}

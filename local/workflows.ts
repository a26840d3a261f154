import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Log } from '../functions/deps.ts';
import type { Clock } from '../shared/ports/clock.ts';
import type { Execution, WorkflowName, Workflows } from '../shared/ports/workflows.ts';
import { fail } from '../shared/schema/failure.ts';
import type { Ended, Header, HistoryEvent, Parent, Running, Thread, Transition } from './asl/execution.ts';
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
  'import-objects': new URL('../statemachines/import-objects.asl.json', import.meta.url),
  'move-units': new URL('../statemachines/move-units.asl.json', import.meta.url),
  'onboard-account': new URL('../statemachines/onboard-account.asl.json', import.meta.url),
  'upgrade-enforcers': new URL('../statemachines/upgrade-enforcers.asl.json', import.meta.url),
};

/** The state machines of statemachines/, as text. */
export const readStateMachines = (): Record<WorkflowName, string> => ({
  'delete-namespace': readFileSync(FILES['delete-namespace'], 'utf8'),
  'import-objects': readFileSync(FILES['import-objects'], 'utf8'),
  'move-units': readFileSync(FILES['move-units'], 'utf8'),
  'onboard-account': readFileSync(FILES['onboard-account'], 'utf8'),
  'upgrade-enforcers': readFileSync(FILES['upgrade-enforcers'], 'utf8'),
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
  /** Text of the machine that each running execution was started with. */
  const texts = new Map<string, string>();
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
      texts.delete(keyOf(header));
      if (header.parent) report(header.parent, header);
    },
    spawn: (around, thread, phase, index) => spawn(around, thread, phase, index),
    abandon: ({ workflow, name }, thread, batch) => {
      for (const runner of runners.values()) {
        const { parent, workflow: of } = runner.header;
        const isInside = of === workflow && parent?.name === name && parent.thread === thread;
        if (isInside && parent.batch === batch) runner.tell({ kind: 'aborted' }).catch(() => {});
      }
    },
    holders: new Map(),
    turns: 0,
    mode: 'on',
    inFlight: new Set(),
  };
  const launch = (machine: Machine, execution: Running, definition: string): void => {
    const runner = new Runner(machine, execution, rim);
    runners.set(keyOf(execution.header), runner);
    texts.set(keyOf(execution.header), definition);
    runner.go();
  };
  const loaded = new Map(
    [...machines].map(([name, machine]) => [definitions[name as WorkflowName] ?? '', machine]),
  );
  const machineOf = (workflow: WorkflowName, text: string): Machine => {
    const machine = loaded.get(text) ?? load(workflow, text, Object.keys(tasks));
    loaded.set(text, machine);
    return machine;
  };
  /** Tells the Map around an execution how it ended. */
  const report = (parent: Parent, { workflow, status, output, error, cause }: Header): void => {
    const { name, thread, batch, index } = parent;
    const child: Ended = {
      status,
      ...(output === undefined ? {} : { output }),
      ...(error === undefined ? {} : { error }),
      ...(cause === undefined ? {} : { cause }),
    };
    runners
      .get(`${workflow}:${name}`)
      ?.tell({ kind: 'ended', thread, batch, index, child })
      .catch(() => {});
  };
  const spawn: Rim['spawn'] = async (around, thread, phase, index) => {
    const { workflow, name: outer } = around;
    const parent = { name: outer, thread, batch: phase.batch, index };
    const name = childName(workflow, parent);
    if (runners.has(`${workflow}:${name}`)) return;
    const known = journal.header(workflow, name);
    if (known) return known.status === 'RUNNING' ? undefined : report(parent, known);
    const text = texts.get(keyOf(around)) ?? '';
    const machine = machineOf(workflow as WorkflowName, text);
    const now = clock.now();
    const { input, item } = phase.items[index] ?? { input: null };
    const header = { ...opened(machine, name, input, now), parent };
    const main = { ...mainThread(machine, input, now), state: phase.startAt };
    const begun: Thread = item ? { ...main, item } : main;
    if (await journal.begin(header, begun, text)) {
      launch(machine, { header, threads: new Map([[begun.id, begun]]) }, text);
    }
  };
  const goOn = ({ execution, definition }: Unfinished): void => {
    const { workflow, name } = execution.header;
    try {
      launch(machineOf(workflow as WorkflowName, definition), execution, definition);
    } catch (error) {
      log.error('a workflow cannot go on with this release', { workflow, execution: name, error });
    }
  };

  for (const unfinished of journal.unfinished()) goOn(unfinished);
  for (const runner of runners.values()) {
    const { parent, workflow } = runner.header;
    const waits = parent === undefined || runners.get(`${workflow}:${parent.name}`)?.awaits(parent);
    // The process ended between the end of the Map around it and its own.
    if (!waits) runner.tell({ kind: 'aborted' }).catch(() => {});
  }

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
      if (started) launch(machine, { header, threads: new Map([[thread.id, thread]]) }, definition);
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
    const runner = rim.holders.get(token);
    const holder = runner?.holding(token);
    if (holder && (await runner?.tell({ ...holder, ...said }))) return;
    // What could not be told because everything stops was not told for good.
    requireUsable(rim);
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

/** As AWS does, an execution of a Map has a name of its own; here it follows from whose it is. */
const childName = (workflow: string, { name, thread, batch, index }: Parent): string =>
  createHash('sha256')
    .update(JSON.stringify([workflow, name, thread, batch, index]))
    .digest('hex')
    .slice(0, 40);

/** Invocations begin turns, turns invocations and executions: all must be found quiet at once. */
async function idle(rim: Rim, runners: ReadonlyMap<string, Runner>): Promise<void> {
  let turns: number;
  do {
    turns = rim.turns;
    await Promise.all(rim.inFlight);
    await Promise.all([...runners.values()].map(runner => runner.idle()));
  } while (rim.inFlight.size > 0 || rim.turns !== turns);
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

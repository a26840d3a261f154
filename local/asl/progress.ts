import type { Draft } from './draft.ts';
import { MAIN, type Phase, type Thread } from './execution.ts';
import type { Chance } from './functions.ts';
import type { Json } from './json.ts';
import type { Machine } from './load.ts';
import { retry } from './retry.ts';
import type { State } from './schema.ts';
import { matches, StateError } from './state-error.ts';
import { mapJoined } from './states/map.ts';
import { leave, type Moment, type Outcome } from './states/moment.ts';
import { parallelJoined } from './states/parallel.ts';

/** One step while it is worked out: the machine, what becomes of the execution, time and chance. */
export interface Work {
  machine: Machine;
  draft: Draft;
  chance: Chance;
}

type Part = (state: State, moment: Moment) => Promise<Outcome>;

/** Runs a part of a thread's state and applies what comes of it, be it a failure. */
export async function run(work: Work, thread: Thread, part: Part): Promise<void> {
  try {
    await settle(work, thread, await part(stateOf(work, thread), momentOf(work, thread)));
  } catch (error) {
    if (!(error instanceof StateError)) throw error;
    if (error.name === 'States.QueryEvaluationError')
      work.draft.log('EvaluationFailed', thread.state, error.cause);
    await failed(work, thread, error);
  }
}

export function stateOf({ machine }: Work, thread: Thread): State {
  const state = machine.states.get(thread.state);
  if (state) return state;
  throw new Error(`state machine ${machine.name} has no state ${thread.state}`);
}

/** The execution's own thread at its beginning. */
export const mainThread = (machine: Machine, input: Json, now: Date): Thread => ({
  ...begun(machine.startAt, input, now),
  id: MAIN,
  index: 0,
  variables: {},
});

const begun = (state: string, input: Json, now: Date) => ({
  state,
  input,
  entered: now.toISOString(),
  retries: [],
  phase: { kind: 'enter' } as const satisfies Phase,
});

async function settle(work: Work, thread: Thread, outcome: Outcome): Promise<void> {
  const { draft } = work;
  switch (outcome.kind) {
    case 'leave':
      return left(work, thread, outcome);
    case 'wait':
      return draft.put({ ...thread, phase: { kind: 'wait', until: outcome.until } });
    case 'task':
      return scheduled(work, thread, outcome);
    case 'fork':
      return forked(work, thread, outcome);
    case 'spread':
      return spread(work, thread, outcome);
  }
}

async function left(work: Work, thread: Thread, outcome: Extract<Outcome, { kind: 'leave' }>): Promise<void> {
  const { output, assign, next } = outcome;
  work.draft.log(`${stateOf(work, thread).Type}StateExited`, thread.state);
  if (next === undefined) return ended(work, thread, output);
  const variables = { ...thread.variables, ...assign };
  work.draft.put({ ...thread, ...begun(next, output, work.chance.now), variables });
}

function scheduled(work: Work, thread: Thread, outcome: Extract<Outcome, { kind: 'task' }>): void {
  const { draft, chance } = work;
  const { timeout, heartbeat, ...called } = outcome;
  const after = (seconds: number) => chance.now.getTime() + seconds * 1000;
  draft.log('TaskScheduled', thread.state);
  draft.log('TaskStarted', thread.state);
  draft.put({
    ...thread,
    phase: {
      ...called,
      attempt: draft.number(),
      accepted: false,
      ...(timeout === undefined ? {} : { deadline: after(timeout) }),
      ...(heartbeat === undefined ? {} : { heartbeat: { seconds: heartbeat, deadline: after(heartbeat) } }),
    },
  });
}

async function forked(
  work: Work,
  thread: Thread,
  outcome: Extract<Outcome, { kind: 'fork' }>,
): Promise<void> {
  const { children, concurrency } = outcome;
  const { draft, chance } = work;
  draft.log(`${stateOf(work, thread).Type}StateStarted`, thread.state);
  if (children.length === 0) return run(work, thread, joined([]));
  const batch = draft.number();
  const starting = Math.min(concurrency, children.length);
  draft.put({ ...thread, phase: { kind: 'join', total: children.length, begun: starting, done: 0 } });
  for (const [index, { startAt, input, item = thread.item }] of children.entries()) {
    const child = { id: `${thread.id}.${batch}-${index}`, index, parent: thread.id, variables: {} };
    const started: Thread = { ...child, ...begun(startAt, input, chance.now), ...(item ? { item } : {}) };
    if (index < starting) draft.put(started);
    else draft.put({ ...started, phase: { kind: 'queued' } });
    if (index < starting) logIteration(work, thread, 'Started');
  }
}

async function spread(
  work: Work,
  thread: Thread,
  { children, concurrency }: Extract<Outcome, { kind: 'spread' }>,
): Promise<void> {
  const { draft } = work;
  draft.log('MapStateStarted', thread.state);
  const [first] = children;
  if (!first) return run(work, thread, joined([]));
  draft.log('MapRunStarted', thread.state);
  draft.put({
    ...thread,
    phase: {
      kind: 'spread',
      batch: draft.number(),
      startAt: first.startAt,
      items: children.map(({ input, item }) => ({ input, ...(item ? { item } : {}) })),
      begun: Math.min(concurrency, children.length),
      ended: children.map(() => null),
    },
  });
}

/** The last state of a block was left: the execution ends, or the thread around it goes on when this was the last inside. */
async function ended(work: Work, thread: Thread, output: Json): Promise<void> {
  const { draft } = work;
  const parent = parentOf(work, thread);
  if (!parent) return draft.finish({ status: 'SUCCEEDED', output });
  if (parent.phase.kind !== 'join')
    throw new Error(`thread ${parent.id} has children but does not wait for them`);
  logIteration(work, parent, 'Succeeded');
  draft.put({ ...thread, phase: { kind: 'done', output } });
  const phase = { ...parent.phase, done: parent.phase.done + 1 };
  if (phase.done === phase.total) return join(work, parent);
  const next = phase.begun < phase.total ? draft.childrenOf(parent.id)[phase.begun] : undefined;
  if (next) {
    draft.put({ ...next, entered: work.chance.now.toISOString(), phase: { kind: 'enter' } });
    logIteration(work, parent, 'Started');
  }
  draft.put({ ...parent, phase: { ...phase, begun: phase.begun + (next ? 1 : 0) } });
}

async function join(work: Work, parent: Thread): Promise<void> {
  const { draft } = work;
  const results = draft
    .childrenOf(parent.id)
    .map(({ phase }) => (phase.kind === 'done' ? phase.output : null));
  draft.dropInside(parent.id);
  draft.log(`${stateOf(work, parent).Type}StateSucceeded`, parent.state);
  await run(work, parent, joined(results));
}

export const joined =
  (results: Json[]): Part =>
  async (state, moment) => {
    if (state.Type === 'Parallel') return parallelJoined(state, moment, results);
    if (state.Type === 'Map') return mapJoined(state, moment, results);
    throw new Error(`\`${moment.state}\` was joined but is a ${state.Type}`);
  };

/** Retry, else Catch, else the thread around it fails with the same error, and the execution at last. */
export async function failed(work: Work, thread: Thread, error: StateError): Promise<void> {
  const { draft, chance } = work;
  const state = stateOf(work, thread);
  draft.dropInside(thread.id);
  if (state.Type === 'Parallel' || state.Type === 'Map')
    draft.log(`${state.Type}StateFailed`, thread.state, error.name);
  const again = 'Retry' in state ? retry(state.Retry, thread.retries, error.name, chance) : undefined;
  if (again) {
    const until = chance.now.getTime() + again.delay;
    return draft.put({ ...thread, retries: again.retries, phase: { kind: 'retry', until } });
  }
  const catcher =
    'Catch' in state ? state.Catch.find(({ ErrorEquals }) => matches(ErrorEquals, error.name)) : undefined;
  if (!catcher) return gaveUp(work, thread, error);
  const errorOutput = { Error: error.name, ...(error.cause === '' ? {} : { Cause: error.cause }) };
  try {
    const outcome = await leave(catcher, momentOf(work, thread), catcher.Next, errorOutput, { errorOutput });
    await settle(work, thread, outcome);
  } catch (second) {
    // What a Catch itself cannot work out is not caught by the same Catch again.
    if (!(second instanceof StateError)) throw second;
    await gaveUp(work, thread, second);
  }
}

async function gaveUp(work: Work, thread: Thread, error: StateError): Promise<void> {
  const parent = parentOf(work, thread);
  if (!parent) return work.draft.finish({ status: 'FAILED', error: error.name, cause: error.cause });
  logIteration(work, parent, 'Failed');
  await failed(work, parent, error);
}

const parentOf = ({ draft }: Work, thread: Thread): Thread | undefined =>
  thread.parent === undefined ? undefined : draft.thread(thread.parent);

const logIteration = (work: Work, parent: Thread, what: 'Started' | 'Succeeded' | 'Failed'): void => {
  if (stateOf(work, parent).Type === 'Map') work.draft.log(`MapIteration${what}`, parent.state);
};

function momentOf({ machine, draft, chance }: Work, thread: Thread): Moment {
  const { workflow, name, input, started } = draft.header;
  const context = {
    Execution: { Id: `${workflow}:${name}`, Input: input, Name: name, RedriveCount: 0, StartTime: started },
    State: {
      EnteredTime: thread.entered,
      Name: thread.state,
      RetryCount: thread.retries.reduce((sum, times) => sum + times, 0),
    },
    StateMachine: { Id: machine.name, Name: machine.name },
    ...(thread.item ? { Map: { Item: thread.item } } : {}),
  };
  const variables = Object.assign({}, ...draft.around(thread).map(around => around.variables));
  return {
    state: thread.state,
    input: thread.input,
    now: chance.now,
    randomBytes: chance.randomBytes,
    evaluate: (template, also = {}) =>
      template({
        states: { input: thread.input, ...also, context: { ...context, ...also.context } },
        variables,
        chance,
      }),
  };
}

import { Draft } from './draft.ts';
import {
  dueTime,
  type Occurrence,
  type Running,
  type TaskPhase,
  type Thread,
  type Transition,
} from './execution.ts';
import type { Chance } from './functions.ts';
import type { Json } from './json.ts';
import type { Machine } from './load.ts';
import { failed, run, stateOf, type Work } from './progress.ts';
import type { State } from './schema.ts';
import { childEnded } from './spread.ts';
import { StateError } from './state-error.ts';
import { enterChoice } from './states/choice.ts';
import { enterFail } from './states/fail.ts';
import { enterMap } from './states/map.ts';
import type { Moment, Outcome } from './states/moment.ts';
import { enterParallel } from './states/parallel.ts';
import { enterPass } from './states/pass.ts';
import { enterSucceed } from './states/succeed.ts';
import { enterTask, taskSucceeded } from './states/task.ts';
import { enterWait, waited } from './states/wait.ts';

type Answer = Extract<Occurrence, { attempt: number }>;

/**
 * What an occurrence makes of an execution. Pure: nothing is stored or invoked, and the execution stays as it is.
 * Undefined when it means nothing (any more): a late answer, a timer that was overtaken.
 */
export async function step(
  machine: Machine,
  execution: Running,
  occurrence: Occurrence,
  chance: Chance,
): Promise<Transition | undefined> {
  if (execution.header.status !== 'RUNNING') return undefined;
  const work: Work = { machine, draft: new Draft(execution), chance };
  return (await react(work, occurrence)) ? work.draft.transition() : undefined;
}

/** False when the occurrence means nothing. */
async function react(work: Work, occurrence: Occurrence): Promise<boolean> {
  if (occurrence.kind === 'expired') {
    work.draft.finish({ status: 'TIMED_OUT', error: 'States.Timeout', cause: '' });
    return true;
  }
  if (occurrence.kind === 'aborted') {
    work.draft.finish({ status: 'ABORTED' });
    return true;
  }
  const thread = work.draft.thread(occurrence.thread);
  if (!thread) return false;
  switch (occurrence.kind) {
    case 'enter':
      return thread.phase.kind === 'enter' && entered(work, thread);
    case 'due':
      return due(work, thread);
    case 'ended':
      return childEnded(work, thread, occurrence);
    default:
      return thread.phase.kind === 'task' && answered(work, thread, thread.phase, occurrence);
  }
}

async function entered(work: Work, thread: Thread): Promise<true> {
  const again = thread.retries.some(times => times > 0);
  if (!again) work.draft.log(`${stateOf(work, thread).Type}StateEntered`, thread.state);
  await run(work, thread, enter);
  return true;
}

async function enter(state: State, moment: Moment): Promise<Outcome> {
  switch (state.Type) {
    case 'Task':
      return enterTask(state, moment);
    case 'Choice':
      return enterChoice(state, moment);
    case 'Pass':
      return enterPass(state, moment);
    case 'Wait':
      return enterWait(state, moment);
    case 'Succeed':
      return enterSucceed(state, moment);
    case 'Fail':
      return enterFail(state, moment);
    case 'Parallel':
      return enterParallel(state, moment);
    case 'Map':
      return enterMap(state, moment);
  }
}

async function due(work: Work, thread: Thread): Promise<boolean> {
  const time = dueTime(thread);
  if (time === undefined || time > work.chance.now.getTime()) return false;
  const { phase } = thread;
  if (phase.kind === 'wait') await run(work, thread, wait);
  else if (phase.kind === 'retry') work.draft.put({ ...thread, phase: { kind: 'enter' } });
  else if (phase.kind === 'task') {
    const error = time === phase.deadline ? 'States.Timeout' : 'States.HeartbeatTimeout';
    work.draft.log('TaskTimedOut', thread.state, error);
    await failed(work, thread, new StateError(error, ''));
  }
  return true;
}

const wait = async (state: State, moment: Moment): Promise<Outcome> => {
  if (state.Type !== 'Wait') throw new Error(`\`${moment.state}\` waits but is a ${state.Type}`);
  return waited(state, moment);
};

async function answered(work: Work, thread: Thread, phase: TaskPhase, answer: Answer): Promise<boolean> {
  if (phase.attempt !== answer.attempt) return false;
  const { draft, chance } = work;
  switch (answer.kind) {
    case 'succeeded':
      draft.log('TaskSucceeded', thread.state);
      await run(work, thread, succeed(answer.result));
      return true;
    case 'failed':
      draft.log('TaskFailed', thread.state, answer.error);
      await failed(work, thread, new StateError(answer.error, answer.cause));
      return true;
    case 'accepted':
      if (phase.token === undefined || phase.accepted) return false;
      draft.log('TaskSubmitted', thread.state);
      draft.put({ ...thread, phase: { ...phase, accepted: true } });
      return true;
    case 'heartbeat': {
      if (!phase.heartbeat) return false;
      const { seconds } = phase.heartbeat;
      const deadline = chance.now.getTime() + seconds * 1000;
      draft.put({ ...thread, phase: { ...phase, heartbeat: { seconds, deadline } } });
      return true;
    }
  }
}

const succeed =
  (result: Json) =>
  async (state: State, moment: Moment): Promise<Outcome> => {
    if (state.Type !== 'Task') throw new Error(`\`${moment.state}\` was answered but is a ${state.Type}`);
    return taskSucceeded(state, moment, result);
  };

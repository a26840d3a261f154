import type { Execution } from '../../shared/ports/workflows.ts';
import type { Json } from './json.ts';

/** What a thread is at. Only `enter` needs no event from outside to go on. Times are milliseconds since the epoch. */
export type Phase =
  | { kind: 'enter' }
  /** An iteration that waits until fewer run. */
  | { kind: 'queued' }
  | { kind: 'wait'; until: number }
  | { kind: 'retry'; until: number }
  | TaskPhase
  /** Runs its children: `total` of them, of which the first `begun` were let go and `done` have ended. */
  | { kind: 'join'; total: number; begun: number; done: number }
  | SpreadPhase
  | { kind: 'done'; output: Json };

/** A distributed Map: each item has an execution of its own, of which the first `begun` were let go. */
export interface SpreadPhase {
  kind: 'spread';
  /** Tells one entering of the state from another. */
  batch: number;
  startAt: string;
  items: { input: Json; item?: { Index: number; Value: Json } }[];
  begun: number;
  /** By place, `null` for those that have not ended. */
  ended: ({ output: Json } | null)[];
}

/** Whose item an execution works on. */
export interface Parent {
  name: string;
  thread: string;
  batch: number;
  index: number;
}

export interface TaskPhase {
  kind: 'task';
  /** Unique in the execution; what answers an earlier attempt is late and is not heard. */
  attempt: number;
  task: string;
  payload: Json;
  /** Set for `.waitForTaskToken`: who holds it ends the task. */
  token?: string;
  /** With a token: the task itself has returned. */
  accepted: boolean;
  deadline?: number;
  heartbeat?: { seconds: number; deadline: number };
}

/** One line of states being run: the execution's own, a branch, an iteration. */
export interface Thread {
  /** `0` for the execution's own; a child's begins with its parent's and a dot. */
  id: string;
  /** Place in the parent's result. */
  index: number;
  parent?: string;
  state: string;
  /** RFC 3339 UTC. */
  entered: string;
  input: Json;
  /** Assigned in this thread; those of the threads around it are seen too. */
  variables: Readonly<Record<string, Json>>;
  /** How often each entry of the state's Retry was used. */
  retries: readonly number[];
  /** In an iteration of a Map. */
  item?: { Index: number; Value: Json };
  phase: Phase;
}

export const MAIN = '0';

/** An execution but for its threads. */
export interface Header {
  workflow: string;
  name: string;
  status: Execution['status'];
  input: Json;
  /** Set for an execution that a distributed Map started. */
  parent?: Parent;
  /** RFC 3339 UTC. */
  started: string;
  deadline?: number;
  output?: Json;
  error?: string;
  cause?: string;
  /** Numbers given out so far, to attempts and to children. */
  counter: number;
  /** Length of the history. */
  events: number;
}

export interface Running {
  header: Header;
  threads: ReadonlyMap<string, Thread>;
}

export interface HistoryEvent {
  /** Named as Step Functions names them: `TaskStateEntered`. */
  type: string;
  state?: string;
  detail?: string;
}

/** Something that happened to a running execution. */
export type Occurrence =
  | { kind: 'enter'; thread: string }
  /** The time of a wait, a retry, a timeout or a heartbeat has come. */
  | { kind: 'due'; thread: string }
  /** The machine's own timeout. */
  | { kind: 'expired' }
  /** The execution around it gave up. */
  | { kind: 'aborted' }
  /** An execution of a distributed Map has ended. */
  | { kind: 'ended'; thread: string; batch: number; index: number; child: Ended }
  | { kind: 'succeeded'; thread: string; attempt: number; result: Json }
  | { kind: 'failed'; thread: string; attempt: number; error: string; cause: string }
  | { kind: 'accepted'; thread: string; attempt: number }
  | { kind: 'heartbeat'; thread: string; attempt: number };

/** How an execution ended. */
export type Ended = Pick<Header, 'status' | 'output' | 'error' | 'cause'>;

/** What an occurrence makes of an execution: to be stored whole, before anything follows from it. */
export interface Transition {
  header: Header;
  put: Thread[];
  drop: string[];
  history: HistoryEvent[];
}

/** The execution after a transition. */
export function applied(execution: Running, { header, put, drop }: Transition): Running {
  const threads = new Map(execution.threads);
  for (const id of drop) threads.delete(id);
  for (const thread of put) threads.set(thread.id, thread);
  return { header, threads };
}

/** When a thread is due, if ever. */
export function dueTime({ phase }: Thread): number | undefined {
  if (phase.kind === 'wait' || phase.kind === 'retry') return phase.until;
  if (phase.kind !== 'task') return undefined;
  const times = [phase.deadline, phase.heartbeat?.deadline].filter(time => time !== undefined);
  return times.length === 0 ? undefined : Math.min(...times);
}

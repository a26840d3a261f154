import type { Log } from '../../functions/deps.ts';
import type { Clock } from '../../shared/ports/clock.ts';
import { Failure } from '../../shared/schema/failure.ts';
import { Draft } from './draft.ts';
import {
  applied,
  dueTime,
  type Header,
  type Occurrence,
  type Parent,
  type Running,
  type SpreadPhase,
  type TaskPhase,
  type Thread,
  type Transition,
} from './execution.ts';
import type { Journal } from './journal.ts';
import { type Json, toJson } from './json.ts';
import type { Machine } from './load.ts';
import { step } from './step.ts';
import type { Timers } from './timers.ts';

/** A task as it is invoked: at least once for each attempt, so twice when the process ends between its end and its record. */
export type Invoke = (payload: unknown) => Promise<unknown>;

/** What all executions share. */
export interface Rim {
  journal: Journal;
  clock: Clock;
  timers: Timers;
  log: Log;
  tasks: Readonly<Record<string, Invoke>>;
  /** How many more times a task is invoked beside the first, at the same moment. */
  duplicates(task: string): number;
  /** Called before a transition is recorded and after; what it throws stops everything, like kill -9. */
  onTransition(moment: 'before' | 'after', transition: Transition): void;
  /** Sees to it that an item of a distributed Map has its execution, running or ended. Does nothing when it has. */
  spawn(around: Header, thread: string, phase: SpreadPhase, index: number): Promise<void>;
  /** A distributed Map waits for its executions no longer. */
  abandon(around: Header, thread: string, batch: number): void;
  /** Who waits for each task token that is out. */
  readonly holders: Map<string, Runner>;
  /** Turns taken so far, of all runners. */
  turns: number;
  /** An execution has ended and its runner has nothing more to do. */
  closed(header: Header): void;
  /** `stopping`: answers are still recorded, nothing new begins. `dead`: nothing happens any more. */
  mode: 'on' | 'stopping' | 'dead';
  /** Invocations that have not returned. */
  readonly inFlight: Set<Promise<void>>;
}

/** Milliseconds after which a transition that could not be written is tried again. */
const AFTER_FAILED_WRITE = 1000;

/**
 * Drives one execution: one transition at a time, each recorded before anything follows from it. What is to be done
 * is read from the recorded state alone (threads to enter, tasks to invoke, the next timer), so that going on after a
 * restart is the same as going on.
 */
export class Runner {
  readonly #machine: Machine;
  readonly #rim: Rim;
  readonly #invoked = new Set<number>();
  /** Items of distributed Maps whose executions were seen to. */
  readonly #spawned = new Set<string>();
  #execution: Running;
  #turn: Promise<unknown> = Promise.resolve();
  #callOff: () => void = () => {};
  /** A write failed a moment ago: nothing is begun until it is tried again. */
  #resting = false;

  constructor(machine: Machine, execution: Running, rim: Rim) {
    this.#machine = machine;
    this.#execution = execution;
    this.#rim = rim;
    for (const thread of execution.threads.values()) this.#hold(thread);
  }

  #hold(thread: Thread | undefined): void {
    const token = tokenOf(thread);
    if (token !== undefined) this.#rim.holders.set(token, this);
  }

  #letGo(thread: Thread | undefined): void {
    const token = tokenOf(thread);
    if (token !== undefined) this.#rim.holders.delete(token);
  }

  get header(): Header {
    return this.#execution.header;
  }

  /** Resolves when nothing is left to do but to wait: for a timer, or for whoever holds a task token. */
  async idle(): Promise<void> {
    for (let turn: unknown; turn !== this.#turn; ) {
      turn = this.#turn;
      await turn;
    }
  }

  /** Goes on from the recorded state. */
  go(): void {
    this.#inTurn(() => this.#goOn());
  }

  /** Which thread waits for a token. */
  holding(token: string): { thread: string; attempt: number } | undefined {
    for (const { id, phase } of this.#execution.threads.values()) {
      if (phase.kind === 'task' && phase.token === token) return { thread: id, attempt: phase.attempt };
    }
    return undefined;
  }

  /** Resolves when what follows from the occurrence is durable; false when it means nothing any more. */
  tell(occurrence: Occurrence): Promise<boolean> {
    const told = this.#inTurn(() => this.#transit(occurrence));
    this.go();
    return told;
  }

  halt(): void {
    this.#callOff();
  }

  /** Distributed Maps that wait for their executions. */
  #spreads(): [string, SpreadPhase][] {
    return this.#threads().flatMap(({ id, phase }): [string, SpreadPhase][] =>
      phase.kind === 'spread' ? [[id, phase]] : [],
    );
  }

  /** Executions that were let go and have not ended: each is started, once. */
  async #spawn(): Promise<void> {
    for (const [id, phase] of this.#spreads()) {
      for (let index = 0; index < phase.begun; index += 1) {
        const key = `${id} ${phase.batch} ${index}`;
        if (phase.ended[index] !== null || this.#spawned.has(key)) continue;
        await this.#rim.spawn(this.header, id, phase, index);
        this.#spawned.add(key);
      }
    }
  }

  /** Whether a distributed Map of this execution waits for the item. */
  awaits({ thread, batch, index }: Parent): boolean {
    const phase = this.#execution.threads.get(thread)?.phase;
    return phase?.kind === 'spread' && phase.batch === batch && phase.ended[index] === null;
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    this.#rim.turns += 1;
    const done = this.#turn.then(work);
    this.#turn = done.catch((error: unknown) => this.#notWritten(error));
    return done;
  }

  async #transit(occurrence: Occurrence): Promise<boolean> {
    const rim = this.#rim;
    if (rim.mode === 'dead') return false;
    const now = rim.clock.now();
    const transition = await this.#worked(occurrence, now);
    if (!transition || !this.#may('before', transition)) return false;
    await rim.journal.record(transition, now);
    const before = this.#spreads();
    for (const id of transition.drop) this.#letGo(this.#execution.threads.get(id));
    for (const thread of transition.put) {
      this.#letGo(this.#execution.threads.get(thread.id));
      this.#hold(thread);
    }
    this.#execution = applied(this.#execution, transition);
    for (const [id, { batch }] of before) {
      const phase = this.#execution.threads.get(id)?.phase;
      if (phase?.kind !== 'spread' || phase.batch !== batch) rim.abandon(this.header, id, batch);
    }
    return this.#may('after', transition);
  }

  /** An error that is not the machine's own is a defect of this program; it ends the execution and is logged whole. */
  async #worked(occurrence: Occurrence, now: Date): Promise<Transition | undefined> {
    const { clock, log } = this.#rim;
    try {
      return await step(this.#machine, this.#execution, occurrence, {
        now,
        randomBytes: size => clock.randomBytes(size),
      });
    } catch (error) {
      log.error('a state machine broke off', { execution: this.header.name, error });
      const draft = new Draft(this.#execution);
      draft.finish({ status: 'FAILED', error: 'States.Runtime', cause: messageOf(error) });
      return draft.transition();
    }
  }

  #may(moment: 'before' | 'after', transition: Transition): boolean {
    try {
      this.#rim.onTransition(moment, transition);
    } catch {
      this.#rim.mode = 'dead';
    }
    return this.#rim.mode !== 'dead';
  }

  async #goOn(): Promise<void> {
    while (this.#rim.mode === 'on' && !this.#resting) {
      const thread = this.#threads().find(({ phase }) => phase.kind === 'enter');
      if (!thread) break;
      await this.#transit({ kind: 'enter', thread: thread.id });
    }
    if (this.#resting) return;
    this.#callOff();
    if (this.#rim.mode !== 'on') return;
    if (this.header.status !== 'RUNNING') return this.#rim.closed(this.header);
    await this.#spawn();
    for (const thread of this.#threads()) this.#invoke(thread);
    this.#setTimer();
  }

  #threads(): Thread[] {
    return [...this.#execution.threads.values()];
  }

  #setTimer(): void {
    const times = [this.header.deadline, ...this.#threads().map(dueTime)].filter(time => time !== undefined);
    if (times.length === 0) return;
    const next = times.reduce((a, b) => Math.min(a, b));
    this.#callOff = this.#rim.timers.at(next, () => this.#ring());
  }

  #ring(): void {
    const now = this.#rim.clock.now().getTime();
    const { deadline } = this.header;
    if (deadline !== undefined && deadline <= now) return void this.tell({ kind: 'expired' }).catch(() => {});
    const due = this.#threads().filter(thread => (dueTime(thread) ?? Number.POSITIVE_INFINITY) <= now);
    for (const { id } of due) this.tell({ kind: 'due', thread: id }).catch(() => {});
    // A timer that rang early finds nothing due and is set again.
    if (due.length === 0) this.go();
  }

  #invoke({ id, phase }: Thread): void {
    if (phase.kind !== 'task' || phase.accepted || this.#invoked.has(phase.attempt)) return;
    this.#invoked.add(phase.attempt);
    for (let copy = this.#rim.duplicates(phase.task); copy > 0; copy--) this.#track(this.#call(phase));
    this.#track(
      this.#call(phase).then(async answer => {
        await this.tell({ ...answer, thread: id, attempt: phase.attempt }).finally(() =>
          this.#invoked.delete(phase.attempt),
        );
      }),
    );
  }

  #track(invocation: Promise<unknown>): void {
    const { inFlight } = this.#rim;
    const done: Promise<void> = invocation.then(
      () => {},
      () => {},
    );
    inFlight.add(done);
    void done.then(() => inFlight.delete(done));
  }

  /** What came of one invocation, as Lambda and Step Functions put it. */
  async #call(
    phase: TaskPhase,
  ): Promise<{ kind: 'succeeded'; result: Json } | { kind: 'accepted' } | TaskFailure> {
    const task = this.#rim.tasks[phase.task];
    if (!task) return failure('Lambda.ResourceNotFoundException', `there is no task ${phase.task}`);
    try {
      const result = toJson(await task(structuredClone(phase.payload)));
      return phase.token === undefined ? { kind: 'succeeded', result } : { kind: 'accepted' };
    } catch (error) {
      this.#rim.log.warn('a task failed', { task: phase.task, execution: this.header.name, error });
      return failure(nameOf(error), messageOf(error));
    }
  }

  /** The disk is full or worse. Nothing has changed in memory either, so going on later is all there is to do. */
  #notWritten(error: unknown): void {
    const { clock, log, timers, mode } = this.#rim;
    log.error('a transition could not be recorded; it is tried again', {
      execution: this.header.name,
      error,
    });
    this.#callOff();
    // How one of them ended may be what could not be recorded.
    this.#spawned.clear();
    if (mode !== 'on') return;
    this.#resting = true;
    this.#callOff = timers.at(clock.now().getTime() + AFTER_FAILED_WRITE, () => {
      this.#resting = false;
      this.go();
    });
  }
}

const tokenOf = (thread: Thread | undefined): string | undefined =>
  thread?.phase.kind === 'task' ? thread.phase.token : undefined;

type TaskFailure = { kind: 'failed'; error: string; cause: string };

/** `cause` is the JSON that Lambda gives Step Functions. */
const failure = (errorType: string, errorMessage: string): TaskFailure => ({
  kind: 'failed',
  error: errorType,
  cause: JSON.stringify({ errorType, errorMessage, trace: [] }),
});

const nameOf = (error: unknown): string => {
  if (error instanceof Failure) return `Microseg.${error.kind}`;
  return error instanceof Error ? error.name : 'Error';
};

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

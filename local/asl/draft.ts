import type { Header, HistoryEvent, Running, Thread, Transition } from './execution.ts';
import { LIMITS } from './limits.ts';

/** A transition while it is being worked out, over an execution that stays as it is. */
export class Draft {
  readonly #base: Running;
  readonly #put = new Map<string, Thread>();
  readonly #drop = new Set<string>();
  readonly #history: HistoryEvent[] = [];
  #header: Header;

  constructor(base: Running) {
    this.#base = base;
    this.#header = base.header;
  }

  get header(): Header {
    return this.#header;
  }

  thread(id: string): Thread | undefined {
    return this.#drop.has(id) ? undefined : (this.#put.get(id) ?? this.#base.threads.get(id));
  }

  /** In the order of their place in the parent's result. */
  childrenOf(parent: string): Thread[] {
    const ids = new Set([...this.#base.threads.keys(), ...this.#put.keys()]);
    return [...ids]
      .flatMap(id => this.thread(id) ?? [])
      .filter(thread => thread.parent === parent)
      .sort((a, b) => a.index - b.index);
  }

  /** The thread and those around it, the outermost first. */
  around(thread: Thread): Thread[] {
    const parent = thread.parent === undefined ? undefined : this.thread(thread.parent);
    return parent ? [...this.around(parent), thread] : [thread];
  }

  put(thread: Thread): void {
    this.#put.set(thread.id, thread);
  }

  /** Ends everything that runs inside a thread. */
  dropInside(id: string): void {
    for (const inner of [...this.#base.threads.keys(), ...this.#put.keys()]) {
      if (!inner.startsWith(`${id}.`)) continue;
      this.#put.delete(inner);
      this.#drop.add(inner);
    }
  }

  number(): number {
    this.#header = { ...this.#header, counter: this.#header.counter + 1 };
    return this.#header.counter;
  }

  log(type: string, state?: string, detail?: string): void {
    this.#history.push({
      type,
      ...(state === undefined ? {} : { state }),
      ...(detail === undefined ? {} : { detail }),
    });
  }

  /** Ends the execution; none of its threads is left. */
  finish(ending: Pick<Header, 'status' | 'output' | 'error' | 'cause'>): void {
    this.#header = { ...this.#header, ...ending };
    this.#put.clear();
    for (const id of this.#base.threads.keys()) this.#drop.add(id);
    const suffix = {
      SUCCEEDED: 'Succeeded',
      FAILED: 'Failed',
      TIMED_OUT: 'TimedOut',
      ABORTED: 'Aborted',
      RUNNING: '',
    };
    this.log(`Execution${suffix[ending.status]}`, undefined, ending.error);
  }

  transition(): Transition {
    const room = LIMITS.history - this.#header.events;
    if (this.#history.length > (this.#header.status === 'RUNNING' ? room - 1 : room)) {
      this.#history.length = room - 1;
      const cause = `the execution reached the maximum number of history events (${LIMITS.history})`;
      this.finish({ status: 'FAILED', error: 'States.Runtime', cause });
    }
    return {
      header: { ...this.#header, events: this.#header.events + this.#history.length },
      put: [...this.#put.values()],
      drop: [...this.#drop],
      history: this.#history,
    };
  }
}

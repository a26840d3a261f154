import type { DirectedTask } from '../../../shared/schema/migration.ts';
import type { Clock } from '../clock.ts';
import type { HostIdentity } from './identity.ts';

/** What a runner is given by the agent that it removes. */
export interface Order {
  directive: DirectedTask;
  enforcer: Pick<HostIdentity['enforcer'], 'ID' | 'name' | 'namespace'>;
  binding: NonNullable<HostIdentity['binding']>;
}

/** Milliseconds after which an order that still stands is handed over again: the runner may have been lost. */
const AGAIN = 60_000;

/** Whether a directive is to be begun by an agent of that version. An install of the version that runs is done. */
export const isDue = (task: DirectedTask, version: string, now: Date): boolean =>
  Date.parse(task.deadline) > now.getTime() && !(task.kind === 'install' && task.version === version);

/** What the control plane wants of this host, and what of it was handed over. */
export class Orders {
  readonly #clock: Clock;
  readonly #version: string;
  #handed: { id: string; at: number } | undefined;
  /** Of the newest bundle. */
  told: DirectedTask | undefined;

  constructor(clock: Clock, version: string) {
    this.#clock = clock;
    this.#version = version;
  }

  /** The directive to hand over now, if any; from then on it counts as handed over for a while. */
  due(): DirectedTask | undefined {
    const task = this.told;
    if (!task || !isDue(task, this.#version, this.#clock.now())) return undefined;
    const at = this.#clock.elapsed();
    if (this.#handed?.id === task.id && at - this.#handed.at < AGAIN) return undefined;
    this.#handed = { id: task.id, at };
    return task;
  }
}

import type { Enforcer } from '../schema/enforcer.ts';
import { type Migration, SETTLED } from '../schema/migration.ts';

/** Seconds. */
export const CALL = {
  /** In which a runner takes a directive up by itself: the bundle is published and polled within it many times over. */
  grace: 120,
  /** Between two calls for one directive. */
  again: 300,
  /** Calls for one directive at most. */
  times: 3,
  /** Between two looks at hosts for which nothing is due, at first and at most: what takes long is looked at less often. */
  look: 15,
  longest: 300,
} as const;

const secondsSince = (time: string | undefined, now: Date): number =>
  time === undefined ? Number.POSITIVE_INFINITY : (now.getTime() - Date.parse(time)) / 1000;

/** Whether the host is still on its way: otherwise nobody looks after it any more. */
export const isUnderWay = ({ migration }: Pick<Enforcer, 'migration'>, upgrade: string): boolean =>
  migration?.upgrade === upgrade && !SETTLED.includes(migration.state);

/** Seconds until a host for which nothing is due is looked at again: a part of those since its directive. */
export const lookAgain = ({ migration }: Pick<Enforcer, 'migration'>, now: Date): number =>
  migration?.directed === undefined
    ? CALL.look
    : Math.ceil(Math.min(CALL.longest, Math.max(CALL.look, secondsSince(migration.directed, now) / 32)));

/**
 * Seconds until the runner of a host is to be called; 0: now. A host that was not heard of for long is called at once, unless a
 * runner has taken up its directive before: that one looks for the next by itself. Undefined: nothing is to be done as things stand.
 */
export function callDue({ migration, unreachable }: Enforcer, now: Date): number | undefined {
  const task = migration?.task;
  if (!task || migration.taken === task.id) return undefined;
  const calls = migration.calls?.directive === task.id ? migration.calls : undefined;
  if (calls && calls.times >= CALL.times) return undefined;
  const waits = calls
    ? CALL.again - secondsSince(calls.at, now)
    : unreachable && migration.taken === undefined
      ? 0
      : CALL.grace - secondsSince(migration.directed, now);
  return Math.max(0, Math.ceil(waits));
}

/** Why nobody sends anything to the instance that a host says it is; undefined: it is proven. */
export const whyUnproven = ({
  instance,
  verifiedInstance,
}: Pick<Enforcer, 'instance' | 'verifiedInstance'>): string | undefined =>
  instance && !verifiedInstance
    ? `that it is instance ${instance.id} is its own word alone; give the instance a role, so that its agent proves it when it starts`
    : undefined;

/** What became of the calls for the directive that a host has, for people; empty: there were none. */
export function callsTold({ task, calls }: Pick<Migration, 'task' | 'calls'>): string {
  if (!calls || calls.directive !== task?.id) return '';
  if (calls.times === 0) return `its runner was not called by SSM: ${calls.problem}`;
  const times = calls.times === 1 ? 'once' : `${calls.times} times`;
  const came = calls.problem === '' ? 'and did not take it up' : `the last time in vain: ${calls.problem}`;
  return `its runner was called by SSM ${times}, ${came}`;
}

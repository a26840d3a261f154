import { z } from 'zod';
import { CALL, callDue, isUnderWay, lookAgain, whyUnproven } from '../../shared/core/runner-call.ts';
import { callOf } from '../../shared/core/runner-script.ts';
import type { RunnerPlace } from '../../shared/ports/runner-place.ts';
import type { Enforcer } from '../../shared/schema/enforcer.ts';
import { Failure } from '../../shared/schema/failure.ts';
import type { ObjectId } from '../../shared/schema/ids.ts';
import { batchAt, rewritten } from '../upgrade.ts';
import { OfUpgrade } from './plan-upgrade.ts';
import { type TaskDeps, task } from './task.ts';

const Input = z.strictObject({ ...OfUpgrade, batch: z.int().min(0) });

/** Why a runner could not be started; empty: it was. */
async function call(place: RunnerPlace, directive: ObjectId): Promise<string> {
  try {
    await place.start(callOf(directive));
    return '';
  } catch (error) {
    if (error instanceof Failure) return error.message.slice(0, 512);
    throw error;
  }
}

/** Starts the runner first and notes it then: whatever dies in between, a second start of one of that name is none. */
async function callFor(enforcer: Enforcer, place: RunnerPlace, deps: TaskDeps): Promise<void> {
  const directive = enforcer.migration?.task?.id;
  if (directive === undefined) return;
  const problem = await call(place, directive);
  deps.log.warn('runner called by SSM', { enforcer: enforcer.ID, directive, problem });
  await rewritten('enforcer', enforcer, deps, ({ migration }) => {
    if (migration?.task?.id !== directive) return undefined;
    const before = migration.calls?.directive === directive ? migration.calls.times : 0;
    const at = deps.clock.now().toISOString();
    return { migration: { ...migration, calls: { directive, times: before + 1, at, problem } } };
  });
}

/** Notes, once, why a runner is not called though it is due. */
async function noteUncalled(enforcer: Enforcer, problem: string, deps: TaskDeps): Promise<void> {
  await rewritten('enforcer', enforcer, deps, ({ migration }) => {
    const directive = migration?.task?.id;
    if (!directive || migration.calls?.directive === directive) return undefined;
    const at = deps.clock.now().toISOString();
    return { migration: { ...migration, calls: { directive, times: 0, at, problem } } };
  });
}

/** Starts the runner of one host if it is due; seconds until it is to be looked at again, undefined: never. */
async function lookAfter(enforcer: Enforcer, upgrade: ObjectId, deps: TaskDeps): Promise<number | undefined> {
  const { instance, verifiedInstance = instance } = enforcer;
  const place = verifiedInstance && deps.runnerPlaces.on(verifiedInstance);
  if (!place || !isUnderWay(enforcer, upgrade)) return undefined;
  const due = callDue(enforcer, deps.clock.now());
  const unproven = whyUnproven(enforcer);
  if (due === 0 && unproven !== undefined) {
    await noteUncalled(enforcer, unproven, deps);
    return lookAgain(enforcer, deps.clock.now());
  }
  if (due === 0) {
    await callFor(enforcer, place, deps);
    return CALL.look;
  }
  const look = lookAgain(enforcer, deps.clock.now());
  return Math.min(look, due ?? look);
}

/**
 * Starts, on the EC2 instances of a part, the runners that did not take their directive up by themselves, because the agent is
 * dead. Answers in how many seconds to look again; 0: every host is settled, or cannot be called.
 */
export const callRunners = task(Input, async (input, deps) => {
  const { hosts } = await batchAt(input, input.batch, deps);
  const instances = hosts.filter(({ instance }) => instance !== undefined);
  const waits = await Promise.all(
    instances.map(async ({ namespace, ID: id }) => {
      const enforcer = await deps.store.get({ resource: 'enforcer', namespace, id });
      return enforcer && lookAfter(enforcer, input.ID, deps);
    }),
  );
  const told = waits.filter(seconds => seconds !== undefined);
  return { wait: told.length === 0 ? 0 : Math.max(1, Math.min(...told)) };
});

import { isLost } from '../../shared/core/poke.ts';
import type { Key } from '../../shared/ports/object-store.ts';
import { Failure } from '../../shared/schema/failure.ts';
import type { Deps } from '../deps.ts';
import { reachUnits } from '../unit-reach.ts';

/** Enforcers that are looked at at once. */
const PARALLEL = 16;

type SweepDeps = Pick<Deps, 'store' | 'clock' | 'log'>;

/**
 * On a schedule: enforcers that were not heard of for five minutes become unreachable. Reads those alone that may be, which an index
 * of the store tells: one that goes on poking is never among them.
 */
export async function markLost(deps: SweepDeps): Promise<{ lost: number }> {
  const due = await deps.store.due('enforcer', deps.clock.now());
  let lost = 0;
  for (let at = 0; at < due.length; at += PARALLEL) {
    const marked = await Promise.all(due.slice(at, at + PARALLEL).map(key => mark(key, deps)));
    lost += marked.filter(Boolean).length;
  }
  return { lost };
}

/** Its units first: whoever dies between the two finds the enforcer here again. */
async function mark(key: Key<'enforcer'>, { store, clock, log }: SweepDeps): Promise<boolean> {
  const enforcer = await store.get(key);
  if (!enforcer || !isLost(enforcer, clock.now())) return false;
  await reachUnits(enforcer, true, { store });
  try {
    await store.commit([
      { kind: 'refresh', resource: 'enforcer', object: { ...enforcer, unreachable: true } },
    ]);
  } catch (error) {
    if (!(error instanceof Failure && ['conflict', 'not_found'].includes(error.kind))) throw error;
    // Edited, deleted or heard of in this very moment; if it is still lost, the next round sees that.
    const now = await store.get(key);
    if (now && !isLost(now, clock.now())) await reachUnits(now, false, { store });
    return false;
  }
  const { ID, namespace, lastPokeTime } = enforcer;
  log.warn('enforcer is unreachable', { enforcer: ID, namespace, lastPokeTime });
  return true;
}

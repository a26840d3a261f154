import { isLost } from '../../shared/core/poke.ts';
import type { Enforcer } from '../../shared/schema/enforcer.ts';
import { Failure } from '../../shared/schema/failure.ts';
import type { Deps } from '../deps.ts';
import { everyIn } from '../pipeline/authorize.ts';
import { everyPublication } from '../publish.ts';
import { reachUnits } from '../unit-reach.ts';

/** Namespaces that are looked through at once. */
const PARALLEL = 16;

type SweepDeps = Pick<Deps, 'store' | 'publications' | 'clock' | 'log'>;

/**
 * On a schedule: enforcers that were not heard of for five minutes become unreachable. Looks only into the namespaces
 * that have enforcers, which the publisher's list names.
 */
export async function markLost(deps: SweepDeps): Promise<{ lost: number }> {
  const namespaces = (await everyPublication(deps)).map(({ namespace }) => namespace);
  let lost = 0;
  for (let at = 0; at < namespaces.length; at += PARALLEL) {
    const enforcers = await Promise.all(
      namespaces.slice(at, at + PARALLEL).map(path => everyIn(deps.store, 'enforcer', path)),
    );
    for (const enforcer of enforcers.flat()) {
      if (isLost(enforcer, deps.clock.now()) && (await mark(enforcer, deps))) lost += 1;
    }
  }
  return { lost };
}

/** Looks once more, because a poke may have come since the list was read. */
async function mark({ ID: id, namespace }: Enforcer, { store, clock, log }: SweepDeps): Promise<boolean> {
  const enforcer = await store.get({ resource: 'enforcer', namespace, id });
  if (!enforcer || !isLost(enforcer, clock.now())) return false;
  try {
    await store.commit([
      { kind: 'refresh', resource: 'enforcer', object: { ...enforcer, unreachable: true } },
    ]);
  } catch (error) {
    // Edited or deleted in this very moment; the next round sees what became of it.
    if (error instanceof Failure && ['conflict', 'not_found'].includes(error.kind)) return false;
    throw error;
  }
  await reachUnits(enforcer, true, { store });
  log.warn('enforcer is unreachable', { enforcer: id, namespace, lastPokeTime: enforcer.lastPokeTime });
  return true;
}

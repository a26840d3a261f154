import type { Enforcer } from '../shared/schema/enforcer.ts';
import { Failure } from '../shared/schema/failure.ts';
import type { ProcessingUnit } from '../shared/schema/processingunit.ts';
import type { Deps } from './deps.ts';
import { everyBelow } from './list.ts';

/** Units of an enforcer live in its namespace or, mapped, below it. */
async function unitsOf(
  { ID, namespace }: Enforcer,
  { store }: Pick<Deps, 'store'>,
): Promise<ProcessingUnit[]> {
  const all = await everyBelow(store, 'processingunit', namespace);
  return all.filter(({ enforcerID }) => enforcerID === ID);
}

/** Whoever cannot be heard of cannot tell of its units either: they are unreachable while it is. */
export async function reachUnits(
  enforcer: Enforcer,
  unreachable: boolean,
  deps: Pick<Deps, 'store'>,
): Promise<void> {
  const units = (await unitsOf(enforcer, deps)).filter(unit => unit.unreachable !== unreachable);
  for (const unit of units) {
    try {
      await deps.store.commit([
        { kind: 'refresh', resource: 'processingunit', object: { ...unit, unreachable } },
      ]);
    } catch (error) {
      // Changed or removed in this very moment: by its enforcer, then, which is heard of.
      if (!(error instanceof Failure && ['conflict', 'not_found'].includes(error.kind))) throw error;
    }
  }
}

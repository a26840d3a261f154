import type { Enforcer } from '../shared/schema/enforcer.ts';
import { Failure } from '../shared/schema/failure.ts';
import type { ProcessingUnit } from '../shared/schema/processingunit.ts';
import type { Deps } from './deps.ts';
import { pagesOf } from './walk.ts';

/** Units of an enforcer live in its namespace or, mapped, below it: what others say to be its own is not. */
export async function unitsOf(
  { ID, namespace }: Pick<Enforcer, 'ID' | 'namespace'>,
  { store }: Pick<Deps, 'store'>,
): Promise<ProcessingUnit[]> {
  const units: ProcessingUnit[] = [];
  const refs = [{ attribute: 'enforcerID', value: ID }];
  for await (const page of pagesOf(store, 'processingunit', namespace, true, refs)) units.push(...page);
  return units;
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

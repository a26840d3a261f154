import { UnitPokeParameters } from '../shared/api/enforcer-messages.ts';
import { unitPoked } from '../shared/core/poke.ts';
import { Failure, fail } from '../shared/schema/failure.ts';
import type { ProcessingUnit } from '../shared/schema/processingunit.ts';
import type { Handler } from './call.ts';
import { parametersOf } from './pipeline/parameters.ts';

/** As an enforcer's poke: no change of the object, one write at most, and none for most pokes. */
export const pokeProcessingUnit: Handler = async (call, { store, clock }) => {
  const unit = call.target as ProcessingUnit | undefined;
  if (!unit) {
    throw fail(
      'not_found',
      `no processingunit with the ID \`${call.params.id}\` in ${call.namespace}; register it again`,
    );
  }
  const { status, enforcementstatus } = parametersOf(UnitPokeParameters, call);
  const said = {
    ...(status === undefined ? {} : { operationalStatus: status }),
    ...(enforcementstatus === undefined ? {} : { enforcementStatus: enforcementstatus }),
  };
  const object = unitPoked(unit, said, clock.now());
  if (!object) return {};
  try {
    await store.commit([{ kind: 'refresh', resource: 'processingunit', object }]);
  } catch (error) {
    // Somebody changed the unit in this very moment. The next poke says the same again.
    if (!(error instanceof Failure && error.kind === 'conflict')) throw error;
  }
  return {};
};

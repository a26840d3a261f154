import { PokeParameters } from '../shared/api/enforcer-messages.ts';
import { poked, type Said } from '../shared/core/poke.ts';
import type { Enforcer } from '../shared/schema/enforcer.ts';
import { Failure, fail } from '../shared/schema/failure.ts';
import type { Handler } from './call.ts';
import { parametersOf } from './pipeline/parameters.ts';
import { reachUnits } from './unit-reach.ts';

function saidBy({ revision, state, reason = '', digest = '', policy = '', ...query }: PokeParameters): Said {
  if ((revision === undefined) !== (state === undefined)) {
    throw fail('bad_request', 'query parameters revision and state belong together; send both or none');
  }
  const closes = query.sessionclose === true || query.status === 'Disconnected';
  return {
    operationalStatus: closes ? 'Disconnected' : (query.status ?? 'Connected'),
    ...(query.enforcementstatus === undefined ? {} : { enforcementStatus: query.enforcementstatus }),
    ...(query.version === undefined ? {} : { currentVersion: query.version }),
    ...(revision === undefined || state === undefined
      ? {}
      : { bundle: { revision, state, reason, digest, policy } }),
  };
}

/**
 * One conditional write at most, and none for most pokes. A poke is no change of the object: its `updateTime` stays, so
 * that whoever edits the enforcer meanwhile is not refused, and the activity log does not fill with pokes.
 */
export const pokeEnforcer: Handler = async (call, { store, clock }) => {
  const enforcer = call.target as Enforcer | undefined;
  if (!enforcer) {
    throw fail(
      'not_found',
      `no enforcer with the ID \`${call.params.id}\` in ${call.namespace}; register again`,
    );
  }
  const object = poked(enforcer, saidBy(parametersOf(PokeParameters, call)), clock.now());
  if (!object) return {};
  try {
    await store.commit([{ kind: 'refresh', resource: 'enforcer', object }]);
    if (enforcer.unreachable) await reachUnits(object, false, { store });
  } catch (error) {
    // Somebody edited the enforcer in this very moment. The next poke says the same again.
    if (!(error instanceof Failure && error.kind === 'conflict')) throw error;
  }
  return {};
};

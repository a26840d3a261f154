import { newObjectId } from '../shared/core/object.ts';
import type { Activity } from '../shared/ports/object-store.ts';
import { type Identity, type ObjectOf, resourceOf } from '../shared/schema/resources.ts';
import type { Call } from './call.ts';
import type { Deps } from './deps.ts';

/** The object as it may be shown and logged. */
export function shown<I extends Identity>(identity: I, object: ObjectOf<I>): ObjectOf<I> {
  const secrets = resourceOf(identity).secrets ?? [];
  if (secrets.length === 0) return object;
  return Object.fromEntries(Object.entries(object).filter(([key]) => !secrets.includes(key))) as ObjectOf<I>;
}

export const activity = <I extends Identity>(
  identity: I,
  operation: Activity['operation'],
  call: Call,
  deps: Pick<Deps, 'clock'>,
  objects: { before?: ObjectOf<I>; after?: ObjectOf<I> },
): { kind: 'activity'; activity: Activity } => {
  const target = objects.after ?? objects.before;
  if (!target) throw new Error('an activity is about an object');
  const now = deps.clock.now();
  return {
    kind: 'activity',
    activity: {
      id: newObjectId(now, size => deps.clock.randomBytes(size)),
      namespace: call.namespace,
      date: now.toISOString(),
      operation,
      targetIdentity: identity,
      targetID: target.ID,
      claims: call.caller.claims,
      source: call.caller.address,
      requestID: call.requestID,
      ...(objects.before ? { before: shown(identity, objects.before) } : {}),
      ...(objects.after ? { after: shown(identity, objects.after) } : {}),
    },
  };
};

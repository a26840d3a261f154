import { newObjectId } from '../../shared/core/object.ts';
import type { ApiAuthorizationPolicy } from '../../shared/schema/apiauthorizationpolicy.ts';
import { Failure } from '../../shared/schema/failure.ts';
import type { Deps } from '../deps.ts';

type SweepDeps = Pick<Deps, 'store' | 'clock' | 'log'>;

/** Whose work it is, as the activity log shows it. */
const SYSTEM_CLAIMS = ['@auth:realm=system', '@auth:subject=expired-authorizations'] as const;

const isOver = ({ expirationTime }: ApiAuthorizationPolicy, now: Date): boolean =>
  expirationTime !== undefined && Date.parse(expirationTime) <= now.getTime();

/** Removed at once. */
const PARALLEL = 16;

/**
 * On a schedule: removes API authorizations that have expired. They have granted nothing since, so nothing depends on
 * when this runs. A protected one stays, as it does for people. Reads those alone that are due, which an index of the store tells.
 */
export async function removeExpired(deps: SweepDeps): Promise<{ removed: number }> {
  const now = deps.clock.now();
  // What expires in this very millisecond has expired.
  const due = await deps.store.due('apiauthorizationpolicy', new Date(now.getTime() + 1));
  let removed = 0;
  for (let at = 0; at < due.length; at += PARALLEL) {
    const done = await Promise.all(
      due.slice(at, at + PARALLEL).map(async key => {
        const policy = await deps.store.get(key);
        return policy && isOver(policy, now) && !policy.protected ? remove(policy, deps) : false;
      }),
    );
    removed += done.filter(Boolean).length;
  }
  return { removed };
}

async function remove(policy: ApiAuthorizationPolicy, { store, clock, log }: SweepDeps): Promise<boolean> {
  const now = clock.now();
  const id = newObjectId(now, size => clock.randomBytes(size));
  try {
    await store.commit([
      { kind: 'delete', resource: 'apiauthorizationpolicy', object: policy, seen: policy.updateTime },
      {
        kind: 'activity',
        activity: {
          id,
          namespace: policy.namespace,
          date: now.toISOString(),
          operation: 'delete',
          targetIdentity: 'apiauthorizationpolicy',
          targetID: policy.ID,
          claims: SYSTEM_CLAIMS,
          requestID: id,
          before: policy,
        },
      },
    ]);
  } catch (error) {
    // Changed or deleted in this very moment; the next round sees what became of it.
    if (error instanceof Failure && ['conflict', 'not_found'].includes(error.kind)) return false;
    throw error;
  }
  log.info('removed an expired authorization', { ID: policy.ID, namespace: policy.namespace });
  return true;
}

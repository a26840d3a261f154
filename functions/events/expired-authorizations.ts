import { newObjectId } from '../../shared/core/object.ts';
import type { ApiAuthorizationPolicy } from '../../shared/schema/apiauthorizationpolicy.ts';
import { Failure } from '../../shared/schema/failure.ts';
import { NamespacePath, ROOT } from '../../shared/schema/ids.ts';
import type { Deps } from '../deps.ts';
import { everyBelow } from '../list.ts';
import { everyIn } from '../pipeline/authorize.ts';

type SweepDeps = Pick<Deps, 'store' | 'clock' | 'log'>;

/** Whose work it is, as the activity log shows it. */
const SYSTEM_CLAIMS = ['@auth:realm=system', '@auth:subject=expired-authorizations'] as const;

const isOver = ({ expirationTime }: ApiAuthorizationPolicy, now: Date): boolean =>
  expirationTime !== undefined && Date.parse(expirationTime) <= now.getTime();

/**
 * On a schedule: removes API authorizations that have expired. They have granted nothing since, so nothing depends on
 * when this runs. A protected one stays, as it does for people.
 */
export async function removeExpired(deps: SweepDeps): Promise<{ removed: number }> {
  const now = deps.clock.now();
  const tenants = await everyIn(deps.store, 'namespace', ROOT);
  let removed = 0;
  for (const path of [ROOT, ...tenants.map(({ name }) => NamespacePath.parse(name))]) {
    const all =
      path === ROOT
        ? await everyIn(deps.store, 'apiauthorizationpolicy', ROOT)
        : await everyBelow(deps.store, 'apiauthorizationpolicy', path);
    for (const policy of all) {
      if (isOver(policy, now) && !policy.protected && (await remove(policy, deps))) removed += 1;
    }
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

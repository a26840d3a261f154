import { z } from 'zod';
import { callsTold } from '../../shared/core/runner-call.ts';
import { tolerated } from '../../shared/core/upgrade.ts';
import type { Enforcer } from '../../shared/schema/enforcer.ts';
import { Failure } from '../../shared/schema/failure.ts';
import { NamespacePath, ObjectId, tenantOf } from '../../shared/schema/ids.ts';
import { SETTLED } from '../../shared/schema/migration.ts';
import { rewritten, upgradeActivity, upgradeAt } from '../upgrade.ts';
import { OfUpgrade } from './plan-upgrade.ts';
import { type TaskDeps, task } from './task.ts';

const Input = z.strictObject({
  ...OfUpgrade,
  host: z.strictObject({ namespace: NamespacePath, ID: ObjectId }),
  outcome: z.enum(['Upgraded', 'Restored', 'Failed', 'Skipped']),
  /** What a Catch was given. */
  failure: z.object({ Error: z.string().nullish(), Cause: z.string().nullish() }).nullable(),
});
type Input = z.infer<typeof Input>;

const LambdaCause = z.object({ errorMessage: z.string() });

/** A cause is Lambda's JSON, or plain text; a timeout has none. */
function reasonOf({ failure }: Input): string {
  if (!failure) return '';
  if (failure.Error === 'States.Timeout') return 'it did not report in time';
  try {
    return LambdaCause.parse(JSON.parse(failure.Cause ?? '')).errorMessage.slice(0, 1024);
  } catch {
    return (failure.Cause || failure.Error || 'it failed without a reason').slice(0, 1024);
  }
}

/** Milliseconds for which a wave's failures are counted together. */
const A_WEEK = 7 * 24 * 3600;

/**
 * Writes what came of a host. The failure that is one too many stops the rest of the wave at once; the wave is judged by
 * what its hosts say, so that a failure counted twice, or not, decides nothing.
 */
export const settleUpgradeHost = task(Input, async (input, deps) => {
  const reason = reasonOf(input);
  let isNew = false;
  try {
    await rewritten('enforcer', input.host, deps, (enforcer: Enforcer) => {
      const { migration } = enforcer;
      isNew = migration?.upgrade === input.ID && !SETTLED.includes(migration.state);
      if (!migration || !isNew) return undefined;
      const { task, taken: _, calls: __, collect: ___, ...rest } = migration;
      const why = [reason || rest.reason, reason ? callsTold(migration) : ''].filter(Boolean).join('; ');
      const done = task ? [...rest.done, task.id].slice(-4) : rest.done;
      const now = deps.clock.now().toISOString();
      return {
        migration: { ...rest, done, state: input.outcome, reason: why.slice(0, 1024), ended: now },
        migrationStatus: input.outcome === 'Failed' ? 'Failed' : 'None',
        lastMigrationTime: now,
      };
    });
  } catch (error) {
    if (!(error instanceof Failure && error.kind === 'not_found')) throw error;
  }
  if (isNew && (input.outcome === 'Failed' || input.outcome === 'Restored')) await count(input, reason, deps);
  return {};
});

async function count(input: Input, reason: string, deps: TaskDeps): Promise<void> {
  const upgrade = await upgradeAt(input, deps);
  const { wave, waves, spec } = upgrade;
  deps.log.warn('host was not upgraded', { upgrade: input.ID, enforcer: input.host.ID, reason });
  const most = tolerated(spec.failureThreshold, waves[wave]?.hosts ?? 0);
  const key = `upgrade ${input.ID} ${wave}`;
  const within =
    most > 0 && (await deps.store.take(tenantOf(input.namespace), key, most, A_WEEK)) !== undefined;
  if (within || upgrade.tripped || upgrade.phase !== 'Before') return;
  await rewritten('enforcerupgrade', input, deps, now =>
    now.wave === wave && now.phase === 'Before' ? { tripped: true } : undefined,
  );
  const after = { name: upgrade.name, reason: `wave ${wave} was stopped: ${reason}` };
  await deps.store.commit([
    upgradeActivity(upgrade, 'enforcerupgrade', 'update', input.execution, after, deps),
  ]);
}

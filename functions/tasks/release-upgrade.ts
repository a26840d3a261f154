import { z } from 'zod';
import { touch } from '../../shared/core/object.ts';
import type { EnforcerUpgrade, UpgradeHost } from '../../shared/schema/enforcerupgrade.ts';
import { Failure } from '../../shared/schema/failure.ts';
import type { Migration } from '../../shared/schema/migration.ts';
import { batchAt, rewritten, upgradeAt } from '../upgrade.ts';
import { OfUpgrade } from './plan-upgrade.ts';
import { type TaskDeps, task } from './task.ts';

const Input = z.strictObject({ ...OfUpgrade, from: z.int().min(0) });

/** Parts that one call releases. */
const PARTS = 4;

/** Why hosts were left alone that the upgrade had, and did not come to. */
const reasonOf = ({ status }: EnforcerUpgrade): string =>
  status === 'Aborted'
    ? 'the upgrade was aborted before it came to it'
    : `the upgrade ended before it came to it: it is ${status}`;

/** Nobody asks it anything any more. */
const letGo = ({ collect: _, ...migration }: Migration, reason: string, now: Date): Migration => ({
  ...migration,
  state: 'Skipped',
  reason,
  ended: now.toISOString(),
});

async function released(host: UpgradeHost, upgrade: EnforcerUpgrade, deps: TaskDeps): Promise<UpgradeHost> {
  if (host.state !== 'Pending') return host;
  const reason = reasonOf(upgrade);
  try {
    await rewritten('enforcer', host, deps, ({ migration }) =>
      migration?.upgrade === upgrade.ID && migration.state === 'Pending'
        ? {
            migration: letGo(migration, reason, deps.clock.now()),
            migrationStatus: 'None',
          }
        : undefined,
    );
  } catch (error) {
    if (!(error instanceof Failure && error.kind === 'not_found')) throw error;
  }
  return { ...host, state: 'Skipped', reason };
}

/** Hosts of an ended upgrade that it did not come to are nobody's from now on: some parts at a call. */
export const releaseUpgrade = task(Input, async (input, deps) => {
  const upgrade = await upgradeAt(input, deps);
  const parts = upgrade.waves.reduce((sum, { batches }) => sum + batches.length, 0);
  const end = Math.min(parts, input.from + PARTS);
  for (let number = input.from; number < end; number += 1) {
    const batch = await batchAt(input, number, deps);
    const hosts = await Promise.all(batch.hosts.map(host => released(host, upgrade, deps)));
    if (JSON.stringify(hosts) === JSON.stringify(batch.hosts)) continue;
    const object = touch('upgradebatch', { ...batch, hosts }, deps.clock.now());
    await deps.store.commit([{ kind: 'update', resource: 'upgradebatch', object, seen: batch.updateTime }]);
  }
  return { left: end < parts ? end : -1 };
});

import { z } from 'zod';
import { touch } from '../../shared/core/object.ts';
import { unhealthy } from '../../shared/core/upgrade.ts';
import type { EnforcerUpgrade, UpgradeHost } from '../../shared/schema/enforcerupgrade.ts';
import { SETTLED } from '../../shared/schema/migration.ts';
import { doubtsAbout } from '../probe-doubts.ts';
import { batchAt, measuredOf, publicationOf, rewritten, upgradeAt } from '../upgrade.ts';
import { OfUpgrade } from './plan-upgrade.ts';
import { type TaskDeps, task } from './task.ts';

const Input = z.strictObject({ ...OfUpgrade, batch: z.int().min(0) });

/** What is to be remembered of a host. One that has the version but is not healthy has failed. */
async function judgedHost(host: UpgradeHost, upgrade: EnforcerUpgrade, deps: TaskDeps): Promise<UpgradeHost> {
  const { namespace, ID: id } = host;
  const enforcer = await deps.store.get({ resource: 'enforcer', namespace, id });
  const migration = enforcer?.migration;
  if (!enforcer || migration?.upgrade !== upgrade.ID) {
    return host.state === 'Skipped' ? host : { ...host, state: 'Failed', reason: 'the enforcer was deleted' };
  }
  const measured = measuredOf(migration);
  const now = deps.clock.now().toISOString();
  const seen = async () => ({
    published: await publicationOf(namespace, deps),
    doubts: await doubtsAbout(enforcer, upgrade, deps),
  });
  const wrong = migration.state === 'Upgraded' ? unhealthy(enforcer, upgrade, now, await seen()) : undefined;
  if (wrong === undefined) {
    const state = SETTLED.includes(migration.state) ? migration.state : host.state;
    return { ...host, state, reason: migration.reason, ...measured };
  }
  const reason = `unhealthy: ${wrong}`;
  await rewritten('enforcer', host, deps, now =>
    now.migration?.upgrade === upgrade.ID && now.migration.state === 'Upgraded'
      ? { migration: { ...now.migration, state: 'Failed', reason }, migrationStatus: 'Failed' }
      : undefined,
  );
  return { ...host, state: 'Failed', reason, ...measured };
}

/** The health gate of a part, after the soak: looks at each of its hosts, and keeps what came of them. */
export const gateUpgradeBatch = task(Input, async (input, deps) => {
  const [upgrade, batch] = await Promise.all([upgradeAt(input, deps), batchAt(input, input.batch, deps)]);
  const hosts = await Promise.all(batch.hosts.map(host => judgedHost(host, upgrade, deps)));
  if (JSON.stringify(hosts) !== JSON.stringify(batch.hosts)) {
    const object = touch('upgradebatch', { ...batch, hosts }, deps.clock.now());
    await deps.store.commit([{ kind: 'update', resource: 'upgradebatch', object, seen: batch.updateTime }]);
  }
  return {};
});

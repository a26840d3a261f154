import { z } from 'zod';
import { goSeconds } from '../../shared/core/duration.ts';
import type { Enforcer } from '../../shared/schema/enforcer.ts';
import type { UpgradeHost } from '../../shared/schema/enforcerupgrade.ts';
import { batchAt, upgradeAt } from '../upgrade.ts';
import { appoint } from '../witnesses.ts';
import { OfUpgrade } from './plan-upgrade.ts';
import { type TaskDeps, task } from './task.ts';

const Input = z.strictObject({
  ...OfUpgrade,
  batch: z.int().min(0),
  direction: z.enum(['forward', 'mend', 'back']),
});

/** Whether the host is to get its former version again: it has the new one, or nobody knows what it has. */
function isToGoBack(enforcer: Enforcer | undefined, direction: 'mend' | 'back', upgrade: string): boolean {
  const { migration } = enforcer ?? {};
  if (!migration || migration.upgrade !== upgrade || migration.from === '') return false;
  const failed = migration.state === 'Failed' && migration.reason.startsWith('unhealthy: ');
  return failed || (direction === 'back' && migration.state === 'Upgraded');
}

async function ofHost(
  { namespace, ID: id }: UpgradeHost,
  { store }: TaskDeps,
): Promise<Enforcer | undefined> {
  return store.get({ resource: 'enforcer', namespace, id });
}

/** The hosts of a part that are to be worked on, each with the version to install and the one to fall back on. */
export const loadUpgradeBatch = task(Input, async (input, deps) => {
  const [upgrade, { hosts }] = await Promise.all([upgradeAt(input, deps), batchAt(input, input.batch, deps)]);
  const { direction } = input;
  const enforcers = direction === 'forward' ? [] : await Promise.all(hosts.map(host => ofHost(host, deps)));
  const wanted = hosts.filter(({ state }, index) =>
    direction === 'forward' ? state === 'Pending' : isToGoBack(enforcers[index], direction, input.ID),
  );
  if (wanted.length > 0) await appoint(upgrade.witnesses ?? [], deps);
  return {
    /** Some of them can be called when their agents are dead. */
    calls: wanted.some(({ instance }) => instance !== undefined),
    timeout: goSeconds(upgrade.spec.hostTimeout),
    hosts: wanted.map(({ ID, namespace, from }) => ({
      namespace,
      ID,
      version: direction === 'forward' ? upgrade.version : from,
      fallback: direction === 'forward' ? from : '',
    })),
  };
});

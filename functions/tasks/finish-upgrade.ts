import { z } from 'zod';
import { ENDED, type EnforcerUpgrade, UPGRADE_STATUS } from '../../shared/schema/enforcerupgrade.ts';
import { rewritten, upgradeActivity, upgradeAt } from '../upgrade.ts';
import { OfUpgrade } from './plan-upgrade.ts';
import { task } from './task.ts';

const Input = z.strictObject({
  ...OfUpgrade,
  status: z.enum(UPGRADE_STATUS),
  reason: z.string(),
});

/** The first part that the upgrade did not come to; below 0: there is none. */
function firstLeft({ waves, wave }: EnforcerUpgrade): number {
  const left = waves.flatMap(({ batches, counts }, number) => (number >= wave && !counts ? batches : []));
  return left.length === 0 ? -1 : Math.min(...left);
}

/** Writes how the upgrade ended, once, and says which hosts it still has to let go. */
export const finishUpgrade = task(Input, async (input, deps) => {
  const { status, reason, execution } = input;
  const before = await upgradeAt(input, deps);
  const after = { name: before.name, status, reason };
  const ended = await rewritten(
    'enforcerupgrade',
    input,
    deps,
    ({ endTime }) =>
      endTime === undefined
        ? {
            status: ENDED.includes(status) ? status : 'Failed',
            reason: reason.slice(0, 1024),
            endTime: deps.clock.now().toISOString(),
            pauseToken: '',
          }
        : undefined,
    [upgradeActivity(before, 'enforcerupgrade', 'update', execution, after, deps)],
  );
  return { left: firstLeft(ended) };
});

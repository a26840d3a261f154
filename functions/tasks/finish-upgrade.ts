import { z } from 'zod';
import { ENDED, UPGRADE_STATUS } from '../../shared/schema/enforcerupgrade.ts';
import { rewritten, upgradeActivity, upgradeAt } from '../upgrade.ts';
import { OfUpgrade } from './plan-upgrade.ts';
import { task } from './task.ts';

const Input = z.strictObject({
  ...OfUpgrade,
  status: z.enum(UPGRADE_STATUS),
  reason: z.string(),
});

/** Writes how the upgrade ended, once. */
export const finishUpgrade = task(Input, async (input, deps) => {
  const { status, reason, execution } = input;
  const before = await upgradeAt(input, deps);
  const after = { name: before.name, status, reason };
  await rewritten(
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
  return {};
});

import { z } from 'zod';
import { fail } from '../../shared/schema/failure.ts';
import { rewritten } from '../upgrade.ts';
import { OfUpgrade } from './plan-upgrade.ts';
import { task } from './task.ts';

const Input = z.strictObject({ ...OfUpgrade, token: z.string().min(1) });

/** Waits for `resume` or `abort`. Was it resumed a moment before, it does not wait at all. */
export const pauseUpgrade = task(Input, async (input, deps) => {
  await rewritten('enforcerupgrade', input, deps, ({ wanted }) => {
    if (wanted !== 'Pause') throw fail('locked', 'it was resumed');
    return { status: 'Paused', pauseToken: input.token };
  });
  return {};
});

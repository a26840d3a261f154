import { z } from 'zod';
import { goSeconds } from '../../shared/core/duration.ts';
import { countsOf, judged, nextOf } from '../../shared/core/upgrade.ts';
import { BATCH, type EnforcerUpgrade } from '../../shared/schema/enforcerupgrade.ts';
import { hostsOfWave, rewritten, upgradeAt } from '../upgrade.ts';
import { OfUpgrade } from './plan-upgrade.ts';
import { type TaskDeps, task } from './task.ts';

const Input = z.strictObject({
  ...OfUpgrade,
  /** The part of the upgrade that has run since; null before the first. */
  ran: z.strictObject({ wave: z.int(), phase: z.enum(['Before', 'Mend', 'Back']) }).nullable(),
});

/** States of hosts that the gate found to be other than wanted, and that can be mended. */
const isUnhealthy = ({ state, reason }: { state: string; reason: string }): boolean =>
  state === 'Failed' && reason.startsWith('unhealthy: ');

async function resultOf(upgrade: EnforcerUpgrade, deps: TaskDeps) {
  const hosts = await hostsOfWave(upgrade, upgrade.wave, deps);
  return { counts: countsOf(hosts), unhealthy: hosts.filter(isUnhealthy).length };
}

/**
 * Judges the wave that has run and says what comes next. What was judged before is not judged again: a repeated call
 * finds the upgrade further on.
 */
export const advanceUpgrade = task(Input, async (input, deps) => {
  let upgrade = await upgradeAt(input, deps);
  const { ran } = input;
  if (ran && ran.wave === upgrade.wave && ran.phase === upgrade.phase) {
    const { counts, unhealthy } = await resultOf(upgrade, deps);
    upgrade = await rewritten('enforcerupgrade', input, deps, now =>
      now.wave === ran.wave && now.phase === ran.phase ? judged(now, counts, unhealthy) : undefined,
    );
  }
  const next = nextOf(upgrade);
  const { spec, wave, phase } = upgrade;
  return {
    next,
    ran: { wave, phase },
    /** Parts at a time, and hosts of a part at a time. */
    parts: Math.max(1, Math.ceil(spec.maxConcurrency / BATCH)),
    hosts: Math.min(BATCH, spec.maxConcurrency),
    soak: goSeconds(spec.soak),
  };
});

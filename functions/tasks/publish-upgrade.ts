import { z } from 'zod';
import type { Counts } from '../../shared/schema/enforcerupgrade.ts';
import { EnforcerUpgradeChanged } from '../../shared/schema/event.ts';
import { upgradeAt } from '../upgrade.ts';
import { OfUpgrade } from './plan-upgrade.ts';
import { task } from './task.ts';

const Input = z.strictObject({ ...OfUpgrade, moment: z.enum(['started', 'ended']) });

const NONE: Counts = { hosts: 0, upgraded: 0, restored: 0, failed: 0, skipped: 0 };

/** What came of all waves so far. */
export const sum = (counts: readonly (Counts | undefined)[]): Counts =>
  counts.reduce<Counts>(
    (all, one) => ({
      hosts: all.hosts + (one?.hosts ?? 0),
      upgraded: all.upgraded + (one?.upgraded ?? 0),
      restored: all.restored + (one?.restored ?? 0),
      failed: all.failed + (one?.failed ?? 0),
      skipped: all.skipped + (one?.skipped ?? 0),
    }),
    NONE,
  );

/** Tells the bus of the upgrade. A repeated call publishes an event of the same ID. */
export const publishUpgrade = task(Input, async (input, deps) => {
  const { ID, namespace, name, status, reason, version, targets, waves } = await upgradeAt(input, deps);
  await deps.bus.publish(
    EnforcerUpgradeChanged.parse({
      id: `${ID}-${input.moment}`,
      time: deps.clock.now().toISOString(),
      source: 'microseg',
      'detail-type': 'EnforcerUpgradeChanged',
      detail: {
        ID,
        namespace,
        name,
        status,
        reason,
        version,
        targets,
        ...sum(waves.map(({ counts }) => counts)),
      },
    }),
  );
  return {};
});

import { z } from 'zod';
import { countsOf } from '../../shared/core/upgrade.ts';
import type { Counts, EnforcerUpgrade, UpgradeHost } from '../../shared/schema/enforcerupgrade.ts';
import { EnforcerUpgradeChanged, type UPGRADE_MOMENTS } from '../../shared/schema/event.ts';
import { NamespacePath, ObjectId } from '../../shared/schema/ids.ts';
import { hostsOfWave, upgradeAt } from '../upgrade.ts';
import { OfUpgrade } from './plan-upgrade.ts';
import { type TaskDeps, task } from './task.ts';

const Direction = z.enum(['forward', 'mend', 'back']);
const OfWave = { wave: z.int().min(0), direction: Direction };

const Input = z.discriminatedUnion('moment', [
  z.strictObject({ ...OfUpgrade, moment: z.enum(['started', 'ended']) }),
  z.strictObject({ ...OfUpgrade, moment: z.enum(['waveBegun', 'waveEnded']), ...OfWave }),
  /** `number`: of the pause, from 0. */
  z.strictObject({ ...OfUpgrade, moment: z.enum(['paused', 'resumed']), number: z.int().min(0) }),
  z.strictObject({
    ...OfUpgrade,
    moment: z.literal('host'),
    direction: Direction,
    host: z.strictObject({ namespace: NamespacePath, ID: ObjectId }),
  }),
]);
type Input = z.infer<typeof Input>;

type Detail = z.infer<typeof EnforcerUpgradeChanged>['detail'];
type Told = Pick<Detail, 'wave' | 'host'>;

const NONE: Counts = { hosts: 0, upgraded: 0, restored: 0, failed: 0, skipped: 0 };

/** What came of all waves so far. */
const sum = (counts: readonly (Counts | undefined)[]): Counts =>
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

/** Which event of the upgrade it is: the same moment, the same ID. */
function nameOf(input: Input): string {
  switch (input.moment) {
    case 'waveBegun':
    case 'waveEnded':
      return `${input.moment}-${input.wave}-${input.direction}`;
    case 'paused':
    case 'resumed':
      return `${input.moment}-${input.number}`;
    case 'host':
      return `host-${input.host.ID}-${input.direction}`;
    default:
      return input.moment;
  }
}

/** One that ends as it was asked to was aborted. */
const momentOf = ({ moment }: Input, { status }: EnforcerUpgrade): (typeof UPGRADE_MOMENTS)[number] =>
  moment === 'ended' && status === 'Aborted' ? 'aborted' : moment;

/** Failures of a wave that its event names. */
const NAMED = 20;

const told = ({ ID, namespace, name, state, reason }: UpgradeHost) => ({
  ID,
  namespace,
  name,
  state,
  reason,
});

async function waveTold(
  { wave: number, direction }: Extract<Input, { wave: number }>,
  upgrade: EnforcerUpgrade,
  deps: TaskDeps,
): Promise<Told> {
  const hosts = await hostsOfWave(upgrade, number, deps);
  const failures = hosts.filter(({ state }) => state === 'Failed' || state === 'Restored');
  return {
    wave: { number, direction, ...countsOf(hosts), failures: failures.slice(0, NAMED).map(told) },
  };
}

async function hostTold({ ID: id, namespace }: { ID: ObjectId; namespace: NamespacePath }, deps: TaskDeps) {
  const enforcer = await deps.store.get({ resource: 'enforcer', namespace, id });
  const { state = 'Failed', reason = 'the enforcer was deleted' } = enforcer?.migration ?? {};
  return { host: { ID: id, namespace, name: enforcer?.name ?? '', state, reason } };
}

/** Tells the bus where the upgrade stands. A repeated call publishes an event of the same ID. */
export const publishUpgrade = task(Input, async (input, deps) => {
  const upgrade = await upgradeAt(input, deps);
  // A pause ends with the abort of the upgrade, too; its end tells that.
  if (input.moment === 'resumed' && upgrade.wanted === 'Abort') return {};
  const { ID, namespace, name, status, reason, version, targets, waves } = upgrade;
  const more =
    'wave' in input
      ? await waveTold(input, upgrade, deps)
      : 'host' in input
        ? await hostTold(input.host, deps)
        : {};
  await deps.bus.publish(
    EnforcerUpgradeChanged.parse({
      id: `${ID}-${nameOf(input)}`,
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
        moment: momentOf(input, upgrade),
        ...sum(waves.map(({ counts }) => counts)),
        ...more,
      },
    }),
  );
  return {};
});

import type { ShownHost, UpgradeStatus } from '../shared/api/upgrade-routes.ts';
import { ENDED, type EnforcerUpgrade, type UpgradeHost } from '../shared/schema/enforcerupgrade.ts';
import { SETTLED } from '../shared/schema/migration.ts';
import type { Deps } from './deps.ts';
import { batchAt, measuredOf } from './upgrade.ts';

type Progress = UpgradeStatus['progress'];
type Store = Pick<Deps, 'store'>;

/** Most hosts that an answer about an upgrade names of each kind. */
const NAMED = 100;
/** Parts that are read at a time. */
const AT_A_TIME = 25;

/** A host of a wave that was not judged yet is where its enforcer says. */
async function asNow(
  host: UpgradeHost,
  { ID: upgrade }: EnforcerUpgrade,
  { store }: Store,
): Promise<UpgradeHost> {
  const { namespace, ID: id } = host;
  const migration = (await store.get({ resource: 'enforcer', namespace, id }))?.migration;
  if (migration?.upgrade !== upgrade) return host;
  const { state, reason } = migration;
  return { ...host, state, reason, ...measuredOf(migration) };
}

/** A wave that is under way: its hosts change. One to come has none that began, one that was judged is as it was judged. */
const isMoving = ({ wave, status }: EnforcerUpgrade, number: number): boolean =>
  number === wave && !ENDED.includes(status);

/** The hosts of parts of one wave, each as it stands now. */
async function hostsOfParts(
  upgrade: EnforcerUpgrade,
  wave: number,
  parts: readonly number[],
  deps: Store,
): Promise<ShownHost[]> {
  const hosts: ShownHost[] = [];
  for (let at = 0; at < parts.length; at += AT_A_TIME) {
    const read = await Promise.all(
      parts.slice(at, at + AT_A_TIME).map(number => batchAt(upgrade, number, deps)),
    );
    const found = read.flatMap(part => part.hosts);
    const now = isMoving(upgrade, wave)
      ? await Promise.all(found.map(host => asNow(host, upgrade, deps)))
      : found;
    hosts.push(...now.map(host => ({ ...host, wave })));
  }
  return hosts;
}

const statesOf = (hosts: readonly UpgradeHost[]): Record<string, number> => {
  const states: Record<string, number> = {};
  for (const { state } of hosts) states[state] = (states[state] ?? 0) + 1;
  return states;
};

const isFailed = ({ state }: UpgradeHost): boolean => state === 'Failed' || state === 'Restored';
const isUnderWay = ({ state }: UpgradeHost): boolean => state !== 'Pending' && !SETTLED.includes(state);

interface WaveNow {
  states: Record<string, number>;
  underWay: ShownHost[];
  failures: ShownHost[];
}

/** A wave without its hosts, where the upgrade itself knows enough: nothing is read. */
function knownStates(
  { hosts, skipped, counts }: EnforcerUpgrade['waves'][number],
  isOver: boolean,
): Record<string, number> {
  const all = counts
    ? {
        Upgraded: counts.upgraded,
        Restored: counts.restored,
        Failed: counts.failed,
        Skipped: counts.skipped,
        Pending: counts.hosts - counts.upgraded - counts.restored - counts.failed - counts.skipped,
      }
    : isOver
      ? { Skipped: hosts }
      : { Skipped: skipped, Pending: hosts - skipped };
  return Object.fromEntries(Object.entries(all).filter(([, count]) => count > 0));
}

async function waveNow(upgrade: EnforcerUpgrade, number: number, deps: Store): Promise<WaveNow> {
  const wave = upgrade.waves[number];
  if (!wave) return { states: {}, underWay: [], failures: [] };
  const failed = (wave.counts?.failed ?? 0) + (wave.counts?.restored ?? 0);
  if (!isMoving(upgrade, number) && failed === 0) {
    return { states: knownStates(wave, ENDED.includes(upgrade.status)), underWay: [], failures: [] };
  }
  const hosts = await hostsOfParts(upgrade, number, wave.batches, deps);
  return {
    states: statesOf(hosts),
    underWay: hosts.filter(isUnderWay),
    failures: hosts.filter(isFailed),
  };
}

/** At the speed so far; null where it cannot be told. */
function secondsLeft(upgrade: EnforcerUpgrade, settled: number, total: number, now: Date): number | null {
  const { status, startTime } = upgrade;
  const isTold = settled > 0 && settled < total && startTime !== undefined;
  if (ENDED.includes(status) || !isTold) return null;
  return Math.round(((now.getTime() - Date.parse(startTime)) * (total - settled)) / settled / 1000);
}

/**
 * Where an upgrade stands. Reads the parts and enforcers of the wave that is under way, and the parts of judged waves that
 * had failures; of all others the upgrade knows the counts.
 */
export async function progressOf(
  upgrade: EnforcerUpgrade,
  deps: Pick<Deps, 'store' | 'clock'>,
): Promise<Progress> {
  const waves = await Promise.all(upgrade.waves.map((_, number) => waveNow(upgrade, number, deps)));
  const byState: Record<string, number> = {};
  for (const { states } of waves) {
    for (const [state, count] of Object.entries(states)) byState[state] = (byState[state] ?? 0) + count;
  }
  const known = Object.values(byState).reduce((sum, count) => sum + count, 0);
  const total = Math.max(known, upgrade.targets);
  const settled = SETTLED.reduce((sum, state) => sum + (byState[state] ?? 0), 0);
  return {
    hosts: total,
    byState,
    percent: total === 0 ? 100 : Math.floor((settled * 1000) / total) / 10,
    secondsLeft: secondsLeft(upgrade, settled, total, deps.clock.now()),
    waves: waves.map(({ states }) => states),
    underWay: waves.flatMap(({ underWay }) => underWay).slice(0, NAMED),
    failures: waves.flatMap(({ failures }) => failures).slice(0, NAMED),
  };
}

/** Whole parts of an upgrade, from one on, as many as hold `limit` hosts, and the part after them. */
export async function pageOfHosts(
  upgrade: EnforcerUpgrade,
  { from, limit }: { from: number; limit: number },
  deps: Store,
): Promise<{ hosts: ShownHost[]; next?: number }> {
  const parts = upgrade.waves.flatMap(({ batches }, wave) => batches.map(number => ({ wave, number })));
  const hosts: ShownHost[] = [];
  for (let at = from; at < parts.length; at += 1) {
    const { wave, number } = parts[at] ?? { wave: 0, number: 0 };
    const found = await hostsOfParts(upgrade, wave, [number], deps);
    if (hosts.length > 0 && hosts.length + found.length > limit) return { hosts, next: at };
    hosts.push(...found);
  }
  return { hosts };
}

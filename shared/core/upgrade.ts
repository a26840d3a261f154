import { type Enforcer, LIFE, type ReportedBundle } from '../schema/enforcer.ts';
import { type Counts, ENDED, type EnforcerUpgrade, type UpgradeHost } from '../schema/enforcerupgrade.ts';
import type { HostState, Migration } from '../schema/migration.ts';
import { agreement, type Published } from './agreement.ts';

/** Hosts of each wave: the canary, then the others divided evenly. */
export function wavesOf(targets: number, { canary, waves }: { canary: number; waves: number }): number[] {
  const first = Math.min(canary, targets);
  const rest = targets - first;
  const count = Math.min(waves, rest);
  const others = Array.from(
    { length: count },
    (_, index) => Math.floor((rest * (index + 1)) / count) - Math.floor((rest * index) / count),
  );
  return first > 0 ? [first, ...others] : others;
}

/** Failures among so many hosts that are put up with. */
export const tolerated = (threshold: string, hosts: number): number =>
  threshold.endsWith('%')
    ? Math.floor((hosts * Math.min(100, Number.parseInt(threshold, 10))) / 100)
    : Number.parseInt(threshold, 10);

const COUNTED: Partial<Record<HostState, keyof Counts>> = {
  Upgraded: 'upgraded',
  Restored: 'restored',
  Failed: 'failed',
  Skipped: 'skipped',
};

/** What came of hosts. */
export function countsOf(hosts: readonly Pick<UpgradeHost, 'state'>[]): Counts {
  const counts: Counts = { hosts: hosts.length, upgraded: 0, restored: 0, failed: 0, skipped: 0 };
  for (const { state } of hosts) {
    const key = COUNTED[state];
    if (key) counts[key] += 1;
  }
  return counts;
}

/** A host that has its former version again is healthy, but was not upgraded. */
export const failures = ({ restored, failed }: Counts): number => restored + failed;

export type Direction = 'forward' | 'mend' | 'back';
export type Status = EnforcerUpgrade['status'];

/** What comes next: the hosts of a wave, a pause, or the end. */
export type Next =
  | { kind: 'wave'; direction: Direction; wave: number; batches: readonly number[] }
  | { kind: 'pause' }
  | { kind: 'end'; status: Status; reason: string };

const DIRECTION = { Before: 'forward', Mend: 'mend', Back: 'back' } as const;

type Judged = Pick<EnforcerUpgrade, 'wave' | 'phase' | 'waves' | 'spec'>;

/** The upgrade after its wave, or a part of it, has run, with what came of the wave's hosts and what is to be mended. */
export function judged(upgrade: Judged, counts: Counts, unhealthy: number): Partial<EnforcerUpgrade> {
  const { wave, phase, spec } = upgrade;
  const waves = upgrade.waves.map((each, index) => (index === wave ? { ...each, counts } : each));
  const after = { waves, wave: wave + 1, phase: 'Before' as const, tripped: false };
  if (phase === 'Back') {
    return { waves, status: 'RolledBack' };
  }
  if (phase === 'Mend') return after;
  const most = tolerated(spec.failureThreshold, counts.hosts);
  if (failures(counts) > most) {
    const reason = `${failures(counts)} of ${counts.hosts} hosts of wave ${wave} failed; ${most} are put up with`;
    return { waves, phase: 'Back', status: 'RollingBack', reason };
  }
  return unhealthy > 0 ? { waves, phase: 'Mend' } : after;
}

export function nextOf(upgrade: EnforcerUpgrade): Next {
  const { status, reason, wanted, wave, phase, waves, unfit, targets, spec } = upgrade;
  if (ENDED.includes(status)) return { kind: 'end', status, reason };
  const isBetween = phase === 'Before';
  const most = tolerated(spec.failureThreshold, targets);
  if (isBetween && wave === 0 && unfit > most) {
    const why = `${unfit} of ${targets} hosts failed the preflight; ${most} are put up with`;
    return { kind: 'end', status: 'Refused', reason: why };
  }
  if (isBetween && wanted === 'Abort') return { kind: 'end', status: 'Aborted', reason: 'it was aborted' };
  if (isBetween && wave >= waves.length) return { kind: 'end', status: 'Succeeded', reason: '' };
  if (isBetween && wanted === 'Pause') return { kind: 'pause' };
  return { kind: 'wave', direction: DIRECTION[phase], wave, batches: waves[wave]?.batches ?? [] };
}

type Expected = Pick<EnforcerUpgrade, 'spec'>;

/** What others say of a host, beside what it says of itself. */
export interface Seen {
  published?: Published | undefined;
  /** What the other ends of its probes saw, where it is not what the host says. */
  doubts?: readonly string[];
}

/** Minutes before the uninstall that tell what is usual; fewer tell nothing. */
const USUAL = 5;

const minutes = (from: string, to: string): number => (Date.parse(to) - Date.parse(from)) / 60_000;

/**
 * Rejected flows a minute since the install, each beside what was usual: as the runner measured, and as the control plane
 * counted in flow reports. They count different things and are never compared with each other.
 */
export function rejectedRates(
  { rejected, rejects, claimed, started, directed }: Migration,
  now: string,
): { rate: number; baseline: number }[] {
  const measured = rejected ? [rejected] : [];
  if (claimed === undefined || started === undefined || directed === undefined) return measured;
  const before = minutes(claimed, started);
  if (before < USUAL) return measured;
  const rate = (rejects?.after ?? 0) / Math.max(1, minutes(directed, now));
  return [...measured, { rate, baseline: (rejects?.before ?? 0) / before }];
}

const rounded = (value: number): number => Math.round(value * 10) / 10;

/** Minutes in which a host applies a changed policy: as long as it may be silent. */
const FOLLOWS = LIFE.unreachable / 60_000;

/**
 * What is wrong with the bundle that a host says it applies, beside what was published. One that is behind may be: a change came
 * just now. One that has the published policy may be ahead: its number is noted a moment after it is out.
 */
function strangeBundle(
  { revision, policy }: ReportedBundle,
  published: Published | undefined,
  now: string,
): string | undefined {
  const newest = published?.revision ?? 0;
  const told = agreement({ revision, policy }, published);
  if (told === 'differs')
    return `it applies another policy than revision ${revision} has: ${policy || 'it tells no digest'}`;
  const since = published?.changed ? minutes(published.changed, now) : 0;
  if (told === 'later' && revision < newest && since > FOLLOWS)
    return `it still applies revision ${revision} of its bundle, though its policy changed with revision ${published?.since}, ${Math.floor(since)} minutes ago`;
  const has = published !== undefined && published.digest !== '' && told === 'agrees';
  if (revision <= newest || has) return undefined;
  return `it applies revision ${revision} of its bundle, which was never published: ${newest === 0 ? 'none was' : `the newest is ${newest}`}`;
}

/** Why a host that has the wanted version is not healthy; undefined when it is. */
export function unhealthy(
  enforcer: Enforcer,
  { spec }: Expected,
  now: string,
  seen: Seen = {},
): string | undefined {
  const { migration, unreachable, currentVersion, enforcementStatus, bundle } = enforcer;
  if (!migration) return 'it is in no upgrade any more';
  if (unreachable) return 'it was not heard of any more';
  if (currentVersion !== migration.to) return `it came back with version ${currentVersion || 'unknown'}`;
  if (enforcementStatus === 'Failed') return 'its data plane failed';
  if (bundle?.state !== 'applied') return `it refused its bundle: ${bundle?.reason ?? 'none was reported'}`;
  if (bundle.revision < migration.revision) {
    return `it applies revision ${bundle.revision} of its bundle, where ${migration.revision} was published before`;
  }
  const strange = strangeBundle(bundle, seen.published, now);
  if (strange !== undefined) return strange;
  const { probes = [] } = migration;
  const missing = spec.healthProbe.find(({ name }) => !probes.some(probe => probe.name === name));
  if (missing) return `probe ${missing.name} was not reported`;
  const failed = probes.filter(({ ok }) => !ok).map(({ name }) => name);
  if (failed.length > 0) return `probes failed: ${failed.join(', ')}`;
  const [doubt] = seen.doubts ?? [];
  if (doubt !== undefined) return doubt;
  // A host that had hardly any rejected flows may have a few.
  const worse = rejectedRates(migration, now).find(
    ({ rate, baseline }) => rate > Math.max(1, baseline) * spec.maxRejectedRatio,
  );
  if (worse) {
    return `it rejects ${rounded(worse.rate)} flows a minute, where ${rounded(worse.baseline)} were usual`;
  }
  return undefined;
}

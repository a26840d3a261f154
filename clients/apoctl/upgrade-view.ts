import type { ShownHost, ShownUpgrade, UpgradePlan, UpgradeStatus } from '../../shared/api/client.ts';
import { ENDED } from '../../shared/schema/enforcerupgrade.ts';
import { printable, table } from '../terminal.ts';

/** `1h 5m`, `40s`: the two largest units. */
export function spoken(seconds: number): string {
  const units: [number, string][] = [
    [Math.floor(seconds / 86_400), 'd'],
    [Math.floor(seconds / 3600) % 24, 'h'],
    [Math.floor(seconds / 60) % 60, 'm'],
    [Math.floor(seconds) % 60, 's'],
  ];
  const first = units.findIndex(([count]) => count > 0);
  if (first < 0) return '0s';
  return units
    .slice(first, first + 2)
    .filter(([count]) => count > 0)
    .map(([count, unit]) => `${count}${unit}`)
    .join(' ');
}

export const hasEnded = ({ status }: Pick<ShownUpgrade, 'status'>): boolean => ENDED.includes(status);

const WANTED = { Run: '', Pause: ' (to be paused before its next wave)', Abort: ' (to be aborted)' } as const;

/** `Running`, and what was asked of it meanwhile. */
export const standing = ({ status, wanted }: Pick<ShownUpgrade, 'status' | 'wanted'>): string =>
  ENDED.includes(status) || status === 'Paused' ? status : `${status}${WANTED[wanted]}`;

/** `upgrade nightly 65a… in /acme: Running`. */
export const lineOf = (upgrade: ShownUpgrade): string =>
  printable(
    `upgrade ${upgrade.name} ${upgrade.ID} in ${upgrade.namespace}: ${standing(upgrade)}${
      upgrade.reason === '' ? '' : `: ${upgrade.reason}`
    }`,
  );

/** `12 of 100 hosts settled (12%), about 9m left`. */
export function progressLine({ progress }: UpgradeStatus): string {
  const { hosts, percent, secondsLeft, byState } = progress;
  const { Upgraded = 0, Restored = 0, Failed = 0, Skipped = 0 } = byState;
  const left = secondsLeft === null ? '' : `, about ${spoken(secondsLeft)} left`;
  return `${Upgraded + Restored + Failed + Skipped} of ${hosts} hosts settled (${percent}%)${left}`;
}

/** The canary is wave 0; without one the numbers begin with 0 all the same. */
const nameOf = (number: number, { spec }: Pick<ShownUpgrade, 'spec'>): string =>
  number === 0 && spec.canary > 0 ? '0 canary' : String(number);

const DOING = { Before: 'runs', Mend: 'mends', Back: 'goes back' } as const;

/** What is to be said of a wave as a whole. */
export function waveState(upgrade: ShownUpgrade, number: number): string {
  const { wave, phase, waves, status, isPlanned } = upgrade;
  if (status === 'Scheduled') return 'scheduled';
  if (!hasEnded(upgrade) && number === wave && isPlanned && status !== 'Planning') {
    return status === 'Paused' ? 'paused' : DOING[phase];
  }
  if (waves[number]?.counts) return 'done';
  return hasEnded(upgrade) ? 'never begun' : 'to come';
}

const STATES = ['Pending', 'Uninstalling', 'Installing', 'Restoring'] as const;
const OUTCOMES = ['Upgraded', 'Restored', 'Failed', 'Skipped'] as const;

function wavesTable(status: UpgradeStatus): string {
  const shown = [...STATES, ...OUTCOMES].filter(
    state => state === 'Pending' || state === 'Upgraded' || (status.progress.byState[state] ?? 0) > 0,
  );
  return table(
    ['wave', 'hosts', 'state', ...shown.map(state => state.toLowerCase())],
    status.waves.map(({ hosts }, number) => [
      nameOf(number, status),
      String(hosts),
      waveState(status, number),
      ...shown.map(state => String(status.progress.waves[number]?.[state] ?? 0)),
    ]),
  );
}

const openFor = ({ openMilliseconds: open }: ShownHost): string => (open === undefined ? '' : `${open} ms`);

/** Hosts, one a line. */
export const hostsTable = (hosts: readonly ShownHost[]): string =>
  table(
    ['host', 'wave', 'from', 'state', 'ranBy', 'open', 'reason'],
    hosts.map(host => [
      printable(host.name),
      String(host.wave),
      printable(host.from || 'unknown'),
      host.state,
      host.ranBy ?? '',
      openFor(host),
      printable(host.reason),
    ]),
  );

/** Hosts of a kind that an answer names. */
const MOST = 100;

const section = (title: string, hosts: readonly ShownHost[]): string => {
  const more = hosts.length < MOST ? '' : ` (the first ${MOST}; --hosts shows all)`;
  return hosts.length === 0 ? '' : `\n${title}${more}\n${hostsTable(hosts)}`;
};

/** All of where an upgrade stands. */
export const statusText = (status: UpgradeStatus): string =>
  [
    `${lineOf(status)}\n`,
    `to version ${printable(status.version)}, ${status.spec.mode}; ${progressLine(status)}\n\n`,
    wavesTable(status),
    section('under way', status.progress.underWay),
    section('not upgraded', status.progress.failures),
  ].join('');

/** What a dry run says. */
export function planText(plan: UpgradePlan): string {
  const { waves = [], current = 0, unfit = [] } = plan.plan ?? {};
  const rows = waves.map((hosts, number) => [nameOf(number, plan), String(hosts)]);
  const bad = unfit.flatMap(({ name, findings }) =>
    findings.map(({ check, message, remedy }) => [name, check, message, remedy].map(printable)),
  );
  return [
    `${plan.targets} hosts would get version ${printable(plan.version)}; ${current} of them have it already\n\n`,
    table(['wave', 'hosts'], rows),
    bad.length === 0
      ? ''
      : `\n${unfit.length} hosts fail the preflight\n${table(['host', 'check', 'message', 'remedy'], bad)}`,
  ].join('');
}

const keyOf = ({ namespace, ID }: ShownHost): string => `${namespace} ${ID}`;

const hostChanges = (before: readonly ShownHost[], after: readonly ShownHost[]): string[] => {
  const known = new Map(before.map(host => [keyOf(host), host]));
  return after
    .filter(host => {
      const old = known.get(keyOf(host));
      return old?.state !== host.state || old.reason !== host.reason;
    })
    .map(
      ({ wave, name, state, reason }) =>
        `wave ${wave}: host ${name}: ${state}${reason === '' ? '' : `: ${reason}`}`,
    );
};

/** Lines that say what is new since `before`; all of it is new when there is none. */
export function changesSince(before: UpgradeStatus | undefined, after: UpgradeStatus): string[] {
  const { progress } = after;
  const heading = before && lineOf(before) === lineOf(after) ? [] : [lineOf(after)];
  const lines: string[] = hasEnded(after) ? [] : [...heading];
  after.waves.forEach((_, number) => {
    const state = waveState(after, number);
    const was = before && waveState(before, number);
    if (state !== was && state !== 'to come') lines.push(`wave ${nameOf(number, after)}: ${state}`);
  });
  lines.push(...hostChanges(before?.progress.underWay ?? [], progress.underWay));
  lines.push(...hostChanges(before?.progress.failures ?? [], progress.failures));
  const settled = ({ progress: { byState, percent } }: UpgradeStatus) => JSON.stringify([byState, percent]);
  if (!before || settled(before) !== settled(after)) lines.push(progressLine(after));
  if (hasEnded(after)) lines.push(...heading);
  return lines.map(printable);
}

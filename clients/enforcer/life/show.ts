import { fail } from '../../../shared/schema/failure.ts';
import { readStatus, type Status } from '../agent/status.ts';
import { runningAgent, statusFile } from './agent-process.ts';
import type { Io } from './program.ts';

/** `1 d 4 h`, `3 min`: the two greatest units. */
export function ageOf(seconds: number): string {
  const parts: string[] = [];
  let rest = Math.max(0, Math.floor(seconds));
  for (const [name, size] of [
    ['d', 86_400],
    ['h', 3600],
    ['min', 60],
    ['s', 1],
  ] as const) {
    const count = Math.floor(rest / size);
    rest -= count * size;
    if (count > 0) parts.push(`${count} ${name}`);
  }
  return parts.slice(0, 2).join(' ') || '0 s';
}

/** Without a policy. */
const UNDECIDED = {
  allow: 'none yet; this host lets through what it did before',
  reject: 'none yet; nothing passes but the control plane, names, leases and neighbours',
} as const;

function activeLines(
  { active, before, enforces }: Status,
  ago: (time: string) => string,
): [string, string][] {
  if (!active) return [['policy', before ? UNDECIDED[before] : 'none yet']];
  return [
    [
      'policy',
      `revision ${active.revision}, ${enforces ? 'enforced' : 'verified only'} for ${ago(active.since)}`,
    ],
    ...(active.digest ? [['digest', active.digest] as [string, string]] : []),
    ['profile', active.profile ?? 'none'],
    ['processing units', String(active.units)],
    ...(active.lockdown
      ? [['lockdown', 'everything is shut out: the bundle is too old'] as [string, string]]
      : []),
    ...active.warnings.map((warning): [string, string] => ['warning', warning]),
  ];
}

function flowLines({ flows }: Status): [string, string][] {
  if (!flows) return [];
  const { records, sent, waiting, spooled, held, dropped, unrecorded, connections } = flows;
  const kept = `${spooled} batches on disk${held > 0 ? `, ${held} in memory alone` : ''}`;
  return [
    ['flow records', `${records} read, ${unrecorded} counted and not recorded`],
    ['flow reports', `${sent} sent, ${waiting} waiting, ${kept}, ${dropped} given up`],
    ...(connections
      ? [['connections', `${connections.ended} ended, ${connections.bytes} bytes`] as [string, string]]
      : []),
  ];
}

/** The status for people; `now`: milliseconds since the epoch. */
export function describeStatus(status: Status, isRunning: boolean, now: number): string {
  const ago = (time: string): string => ageOf((now - Date.parse(time)) / 1000);
  const { enforcer, api, version, pid, startedAt, refused, lastContact, troubles, expires, staleSeconds } =
    status;
  const lines: [string, string][] = [
    ['agent', isRunning ? `${version}, process ${pid}, for ${ago(startedAt)}` : `${version}, not running`],
    [
      'enforcer',
      enforcer ? `${enforcer.name} (${enforcer.ID}) of ${enforcer.namespace}` : 'not registered yet',
    ],
    ['control plane', `${api}, last heard of ${lastContact ? `${ago(lastContact)} ago` : 'never'}`],
    ...activeLines(status, ago),
    [
      'good until',
      expires ? `${expires}${staleSeconds > 0 ? `, past it for ${ageOf(staleSeconds)}` : ''}` : '-',
    ],
    ...(refused
      ? [['refused', `${refused.reason}: ${refused.detail} (${ago(refused.at)} ago)`] as [string, string]]
      : []),
    ['mended', `${status.mended} times`],
    ...flowLines(status),
    ...Object.entries(troubles).map(([kind, { detail, at }]): [string, string] => [
      'trouble',
      `${kind}: ${detail} (${ago(at)} ago)`,
    ]),
  ];
  return lines.map(([name, text]) => `${name.padEnd(18)}${text}\n`).join('');
}

/** Seconds: whatever keeps it waiting, an agent tells of itself every minute or two. */
const LONG_SILENCE = 300;

/** Everything for which somebody should look at this host; empty when all is well. */
export function whatIsWrong(
  { active, enforces, refused, staleSeconds, troubles, updatedAt }: Status,
  isRunning: boolean,
  now: number,
): string[] {
  const silent = (now - Date.parse(updatedAt)) / 1000;
  return [
    ...(isRunning ? [] : ['no agent runs']),
    ...(isRunning && silent > LONG_SILENCE ? [`the agent has told nothing for ${ageOf(silent)}`] : []),
    ...(enforces ? [] : ['nothing is enforced']),
    ...(active ? [] : ['there is no policy yet']),
    ...(active?.lockdown ? ['everything is shut out'] : []),
    ...(refused ? [`the newest policy is refused: ${refused.reason}`] : []),
    ...(staleSeconds > 0 ? [`the bundle is past its expiry for ${ageOf(staleSeconds)}`] : []),
    ...Object.keys(troubles)
      .sort()
      .map(kind => `trouble with ${kind}`),
  ];
}

/** Of the agent that runs, or else of the one that ran. Fails when there was none. */
export function printStatus(
  { state, json, check = false }: { state: string; json: boolean; check?: boolean },
  { out, clock }: Pick<Io, 'out' | 'clock'>,
): void {
  const status = readStatus(statusFile(state));
  if (!status)
    throw fail(
      'not_found',
      `no agent has run with ${state}; start one with prisma-enforcer run, or name its --state`,
    );
  const isRunning = runningAgent(state) !== undefined;
  if (json) out(`${JSON.stringify({ ...status, running: isRunning }, undefined, 2)}\n`);
  else out(describeStatus(status, isRunning, clock.now().getTime()));
  const wrong = check ? whatIsWrong(status, isRunning, clock.now().getTime()) : [];
  if (wrong.length > 0) throw fail('unavailable', wrong.join('; '));
}

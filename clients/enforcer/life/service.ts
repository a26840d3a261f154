import { spawn, spawnSync } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Failure, fail } from '../../../shared/schema/failure.ts';
import type { Clock } from '../clock.ts';
import { endStrays } from '../strays.ts';
import { runningAgent, runningAgents } from './agent-process.ts';
import { PLACES } from './unit-files.ts';

export const systemctl = (...args: string[]): boolean =>
  spawnSync('systemctl', args, { stdio: 'ignore' }).status === 0;

/** systemd runs this very system. */
export const hasSystemd = (prefix: string): boolean => prefix === '/' && existsSync('/run/systemd/system');

/** The agent as it runs by itself on a host. */
export interface Service {
  /** Starts what is installed. `log`: where what it prints goes, if nobody else takes it. */
  start(log: string): void;
  /** Ends it, and waits until it and its children are gone. It is not started again by itself. */
  stop(): Promise<void>;
  /** After its files have gone. */
  forget(): void;
}

/** Milliseconds that the agent has to end by itself. */
const PATIENCE = 20_000;
const GLANCE = 50;

/** The agent that tells of itself in the folder, and any that was started there and has not told anything yet. */
const agentsIn = (folder: string): number[] => [
  ...new Set([runningAgent(folder)?.pid ?? [], runningAgents(folder)].flat()),
];

const signal = (pids: readonly number[], name: NodeJS.Signals): void => {
  for (const pid of pids) {
    try {
      process.kill(pid, name);
    } catch {
      // It ended meanwhile.
    }
  }
};

async function endAgent(folder: string, clock: Clock): Promise<void> {
  signal(agentsIn(folder), 'SIGTERM');
  for (let waited = 0; waited < PATIENCE; waited += GLANCE) {
    if (agentsIn(folder).length === 0) break;
    await clock.sleep(GLANCE);
  }
  const left = agentsIn(folder);
  signal(left, 'SIGKILL');
  if (left.length > 0) await clock.sleep(GLANCE);
  // Of that one, and of any that was killed before.
  endStrays();
}

const UNITS = ['prisma-enforcer-boot.service', 'prisma-enforcer-runner.path', 'prisma-enforcer.service'];

/** The last that the units said before they ended; empty where there is no journal. */
const lastWords = (): string => {
  const units = UNITS.flatMap(unit => ['--unit', unit]);
  const args = [...units, '--boot', '--lines', '10', '--no-pager', '--quiet'];
  return spawnSync('journalctl', args, { encoding: 'utf8' }).stdout ?? '';
};

const notStarted = (reason: string): Failure =>
  fail(
    'unavailable',
    ['systemctl could not start the service; see systemctl status prisma-enforcer', reason, lastWords()]
      .map(text => text.trim())
      .filter(text => text !== '')
      .join('\n'),
  );

const systemdService = (folder: string, clock: Clock): Service => ({
  start: () => {
    systemctl('daemon-reload');
    // Apart, since of both at once it tells either too much or nothing.
    for (const args of [['enable', '--quiet'], ['start']]) {
      const { status, stderr } = spawnSync('systemctl', [...args, ...UNITS], { encoding: 'utf8' });
      if (status !== 0) throw notStarted(stderr ?? '');
    }
  },
  stop: async () => {
    systemctl('disable', '--now', ...UNITS);
    await endAgent(folder, clock);
  },
  forget: () => void systemctl('daemon-reload'),
});

/** What the file of the service's environment says: a name and a value a line. */
export const environmentIn = (conf: string): Record<string, string> =>
  Object.fromEntries(
    conf.split('\n').flatMap(line => {
      const at = line.indexOf('=');
      return at > 0 ? [[line.slice(0, at), line.slice(at + 1)]] : [];
    }),
  );

/** As systemd would start it, in a session of its own. Nobody starts it again. */
function startDetached(prefix: string, log: string): void {
  if (runningAgents(join(prefix, PLACES.home)).length > 0) return;
  const environment = environmentIn(readFileSync(join(prefix, PLACES.conf), 'utf8'));
  const { ENFORCERD_OPTS = '', ...rest } = environment;
  const out = openSync(log, 'a', 0o600);
  const env = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', ...rest };
  const places = { ENFORCERD_STATE: join(prefix, PLACES.home), ENFORCERD_ROOT: join(prefix, PLACES.root) };
  spawn(
    'setsid',
    [
      '--fork',
      join(prefix, PLACES.program),
      'run',
      ...ENFORCERD_OPTS.split(/\s+/).filter(word => word !== ''),
    ],
    { stdio: ['ignore', out, out], env: { ...env, ...places }, cwd: '/' },
  ).once('error', () => undefined);
  closeSync(out);
}

const bareService = (prefix: string, folder: string, clock: Clock): Service => ({
  start: log => startDetached(prefix, log),
  stop: () => endAgent(folder, clock),
  forget: () => undefined,
});

/** systemd's, or where it does not run, a process. */
export function serviceOf(prefix: string, clock: Clock): Service {
  const folder = join(prefix, PLACES.home);
  return hasSystemd(prefix) ? systemdService(folder, clock) : bareService(prefix, folder, clock);
}

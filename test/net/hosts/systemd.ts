import { execFile, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Host } from '../../../local/hosts/network.ts';
import { until } from '../until.ts';

const SCRIPT = fileURLToPath(new URL('systemd.sh', import.meta.url));
/** Where cgroup v2 is mounted: not everywhere at its usual place. */
const MOUNT = /^\S+ (\S+) cgroup2 /m.exec(readFileSync('/proc/mounts', 'utf8'))?.[1];

/** Node, on a machine. */
export const NODE_THERE = '/usr/local/bin/node';

const OVERLAY = 'mkdir up work root && mount -t overlay overlay -o lowerdir=/,upperdir=up,workdir=work root';

/** Why a folder can't be laid over the files of this machine; empty: it can. */
function noOverlay(): string {
  const folder = mkdtempSync(join(tmpdir(), 'overlay-'));
  const { stderr } = spawnSync('unshare', ['--mount', 'sh', '-c', OVERLAY], {
    cwd: folder,
    encoding: 'utf8',
  });
  rmSync(folder, { recursive: true, force: true });
  return stderr ?? '';
}

/** Why systemd can't be booted here, one reason each. Empty: it can. */
export function missing(): string[] {
  const overlay = noOverlay();
  return [
    ...(existsSync('/lib/systemd/systemd') ? [] : ['systemd (apt-get install systemd)']),
    ...(MOUNT === undefined ? ['control groups of version 2, mounted'] : []),
    ...(overlay === '' ? [] : [`an overlay over / (${overlay.trim()})`]),
  ];
}

/** A host with systemd, its own processes, control groups and files: a machine but for the kernel. */
export interface Machine {
  /** Runs a program on it to its end; rejects when it fails. */
  run(...line: string[]): Promise<string>;
  /** Ends everything at once, forgets the rules as a kernel that starts does, and boots again from what is on disk. */
  reset(): Promise<void>;
  close(): Promise<void>;
}

const foldersIn = (path: string): string[] =>
  readdirSync(path, { withFileTypes: true })
    .filter(entry => entry.isDirectory())
    .map(({ name }) => join(path, name));

function removeGroup(path: string): void {
  for (const below of foldersIn(path)) removeGroup(below);
  rmdirSync(path);
}

const childOf = (pid: number): number =>
  Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ')[0]);

/** Starts the first process, and waits until it is up. */
async function boot(host: Host, folder: string): Promise<{ run: Machine['run']; end: () => Promise<void> }> {
  const group = join(MOUNT ?? '', `microseg-${process.pid}-${host.name}`);
  mkdirSync(group);
  const [program, ...args] = host.enter;
  const child = spawn(program, [...args, 'sh', SCRIPT, folder, group, process.execPath], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = once(child, 'close');
  let words = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      words = (words + text).slice(-4000);
    });
  const run = async (...line: string[]): Promise<string> => {
    const first = childOf(child.pid ?? 0);
    const enter = ['-t', String(first), '-m', '-u', '-i', '-n', '-p', '-C'];
    const { stdout } = await promisify(execFile)('nsenter', [...enter, ...line], { maxBuffer: 1 << 26 });
    return stdout;
  };
  const end = async (): Promise<void> => {
    // The first process takes all others along.
    if (child.exitCode === null) process.kill(childOf(child.pid ?? 0), 'SIGKILL');
    await ended;
    for (let tries = 0; tries < 100; tries += 1) {
      try {
        removeGroup(group);
        return;
      } catch {
        await wait(50);
      }
    }
  };
  for (const deadline = Date.now() + 120_000; ; await wait(100)) {
    const state = await run('systemctl', 'is-system-running').catch(error => String(error.stdout ?? ''));
    if (/^(running|degraded)/.test(state)) return { run, end };
    if (Date.now() < deadline && child.exitCode === null) continue;
    await end();
    throw new Error(`systemd did not come up on ${host.name}: ${state}${words}`);
  }
}

export async function bootSystemd(host: Host): Promise<Machine> {
  const folder = mkdtempSync(join(tmpdir(), 'machine-'));
  let booted = await boot(host, folder);
  return {
    run: (...line) => booted.run(...line),
    reset: async () => {
      await booted.end();
      await host.run('nft', ['flush', 'ruleset']);
      booted = await boot(host, folder);
    },
    close: async () => {
      await booted.end();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** What the agent of the machine tells of itself. */
export const statusOf = async ({ run }: Machine): Promise<ReturnType<typeof JSON.parse>> =>
  JSON.parse(await run('prisma-enforcer', 'status', '--json'));

export const untilEnforces = (machine: Machine, version: string): Promise<true> =>
  until(`version ${version} to enforce`, async () => {
    const told = await statusOf(machine).catch(() => undefined);
    return told?.version === version && told.running && told.active?.units > 0 ? true : undefined;
  });

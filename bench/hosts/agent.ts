import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { readStatus, type Status } from '../../clients/enforcer/agent/status.ts';
import type { Host } from '../../local/hosts/network.ts';
import { median } from '../clients/load.ts';

const CONTROL_PLANE = fileURLToPath(new URL('control-plane.ts', import.meta.url));
/** Milliseconds for which an agent is watched that has taken a policy: the whole comparison of each minute is among them. */
const WATCHED = 75_000;
/** Milliseconds between two looks. */
const BETWEEN = 250;
/** Milliseconds of quiet before: comparing what was loaded, and giving memory back. */
const QUIET = 15_000;
/** Addresses that change, one after the other. */
export const MOVES = 10;

/** Bytes that a whole agent has resident. */
export interface Residence {
  /** Most that it ever had: fetching, verifying and loading included. */
  peak: number;
  /** In the minute after it has taken the policy: the median, and the most. */
  settled: number;
  most: number;
  /** In the time after so many addresses changed: the median. */
  changed: number;
  /** The programs that it keeps running, at the end. */
  children: number;
}

const memoryOf = (pid: number, what: 'VmHWM' | 'VmRSS'): number => {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(new RegExp(`${what}:\\s+(\\d+) kB`).exec(status)?.[1]) * 1024;
};

const childrenOf = (pid: number): number[] =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);

interface Measuring {
  host: Host;
  /** How its service starts Node. */
  started: readonly string[];
  /** File of a release. */
  release: string;
  /** An empty one. */
  folder: string;
  /** Where the host reaches this process. */
  address: string;
  units: number;
  rulesets: number;
}

async function openControlPlane({ folder, address, units, rulesets }: Measuring) {
  const data = join(folder, 'control-plane');
  const argv = ['--disable-warning=ExperimentalWarning', CONTROL_PLANE, data, address];
  const child = spawn(process.execPath, [...argv, String(units), String(rulesets)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  await Promise.race([once(child.stdout, 'data'), once(child, 'close').then(ended)]);
  return { child, data, move: (to: string) => child.stdin.write(`${to}\n`) };
}

const ended = (): never => {
  throw new Error('a process of the bench ended early');
};

/** Waits until the agent says that it enforces the policy, at least in that revision. */
async function enforcing(agent: ChildProcess, state: string, revision: number): Promise<void> {
  const isThere = (status: Status | undefined) =>
    status?.active && status.active.units > 0 && status.active.revision >= revision;
  while (!isThere(readStatus(join(state, 'status.json')))) {
    if (agent.exitCode !== null) ended();
    await sleep(BETWEEN);
  }
}

async function watched(pid: number): Promise<number[]> {
  const seen: number[] = [];
  for (const begun = performance.now(); performance.now() - begun < WATCHED; await sleep(BETWEEN))
    seen.push(memoryOf(pid, 'VmRSS'));
  return seen;
}

/** A release as its service runs it, on a host, with a control plane in a process of its own. */
export async function measureAgent(measuring: Measuring): Promise<Residence> {
  const control = await openControlPlane(measuring);
  const { host, started, release, folder } = measuring;
  const state = join(folder, 'agent');
  const given = ['--creds', join(control.data, 'admin.creds'), '--root', join(control.data, 'root.json')];
  const who = ['-n', '/bench/hosts', '--name', 'host', '--machine-id', 'host', '--state', state];
  const [program, ...args] = [
    ...host.enter,
    ...started,
    release,
    'run',
    ...given,
    ...who,
    '--tag',
    'app=web',
  ];
  const agent = spawn(program, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  const pid = agent.pid ?? 0;
  try {
    await enforcing(agent, state, 1);
    await sleep(QUIET);
    const settled = await watched(pid);
    const revision = readStatus(join(state, 'status.json'))?.active?.revision ?? 0;
    for (let at = 1; at <= MOVES; at++) {
      control.move(`11.0.0.${at}`);
      await enforcing(agent, state, revision + at);
    }
    await sleep(QUIET);
    const changed = await watched(pid);
    return {
      peak: memoryOf(pid, 'VmHWM'),
      settled: median(settled),
      most: Math.max(...settled),
      changed: median(changed),
      children: childrenOf(pid).reduce((sum, child) => sum + memoryOf(child, 'VmRSS'), 0),
    };
  } finally {
    for (const child of [agent, control.child])
      if (child.exitCode === null && child.kill()) await once(child, 'close');
  }
}

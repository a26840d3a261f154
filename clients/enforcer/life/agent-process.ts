import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { readStatus, type Status } from '../agent/status.ts';
import { isBelow } from '../strays.ts';

export const statusFile = (folder: string): string => join(folder, 'status.json');

/** From sources, or as a release. */
const PROGRAM = /\/(enforcer\/(main\.ts|bin\.mjs)|prisma-enforcer[^/\0]*\.mjs)(\0|$)/;

/** Whether the process of that number is an agent: numbers are given out again. */
function isAgent(pid: number): boolean {
  try {
    const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
    return PROGRAM.test(command) && !command.includes('\0runner\0');
  } catch {
    return false;
  }
}

/** The agent that runs on this host with that folder, and what it last told. */
export function runningAgent(folder: string): Status | undefined {
  const status = readStatus(statusFile(folder));
  return status && isAgent(status.pid) ? status : undefined;
}

const textOf = (path: string): string => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // It ended meanwhile, or is none of ours to look into.
    return '';
  }
};

/** Agents that were started with that folder in their environment, whether or not they have told anything yet. */
export const runningAgents = (folder: string): number[] =>
  readdirSync('/proc')
    .filter(name => /^\d+$/.test(name))
    .filter(pid => {
      const command = textOf(`/proc/${pid}/cmdline`);
      return PROGRAM.test(command) && command.includes('\0run\0');
    })
    .filter(pid => textOf(`/proc/${pid}/environ`).split('\0').includes(`ENFORCERD_STATE=${folder}`))
    .map(Number);

/** Owner and network of a process; undefined: it ended meanwhile, or is none of ours to look into. */
const placeOf = (pid: number | 'self'): { uid: number; network: number } | undefined => {
  try {
    return { uid: statSync(`/proc/${pid}`).uid, network: statSync(`/proc/${pid}/ns/net`).ino };
  } catch {
    return undefined;
  }
};

/**
 * An agent that enforces on this host already, whatever its folder. The rules are the network namespace's, and two would take each
 * other's for a stranger's. What others than root run is none, whatever it calls itself.
 */
export function enforcingHere(self: number = process.pid): number | undefined {
  const here = placeOf('self')?.network;
  const isOther = (pid: number): boolean => {
    const words = textOf(`/proc/${pid}/cmdline`);
    if (!PROGRAM.test(words) || !words.includes('\0run\0') || words.includes('\0--no-enforce\0'))
      return false;
    const place = placeOf(pid);
    return place?.uid === 0 && place.network === here && pid !== self && !isBelow(self, pid);
  };
  return readdirSync('/proc')
    .filter(name => /^\d+$/.test(name))
    .map(Number)
    .find(isOther);
}

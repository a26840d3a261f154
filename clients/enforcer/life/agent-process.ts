import { join } from 'node:path';
import { readStatus, type Status } from '../agent/status.ts';
import { isBelow, placeOf, processIDs, textOf } from '../processes.ts';

export const statusFile = (folder: string): string => join(folder, 'status.json');

/** From sources, or as a release. */
const PROGRAM = /\/(enforcer\/(main\.ts|bin\.mjs)|prisma-enforcer[^/\0]*\.mjs)(\0|$)/;

/** Whether the process of that number is an agent: numbers are given out again. */
function isAgent(pid: number): boolean {
  const command = textOf(pid, 'cmdline') ?? '';
  return PROGRAM.test(command) && !command.includes('\0runner\0');
}

/** The agent that runs on this host with that folder, and what it last told. */
export function runningAgent(folder: string): Status | undefined {
  const status = readStatus(statusFile(folder));
  return status && isAgent(status.pid) ? status : undefined;
}

/**
 * Agents that were started with that folder in their environment, whether or not they have told anything yet. A container has such a
 * folder of its own, by the same name.
 */
export const runningAgents = (folder: string): number[] => {
  const here = placeOf('self')?.numbers;
  return processIDs()
    .filter(pid => {
      const command = textOf(pid, 'cmdline') ?? '';
      return PROGRAM.test(command) && command.includes('\0run\0');
    })
    .filter(pid => textOf(pid, 'environ')?.split('\0').includes(`ENFORCERD_STATE=${folder}`))
    .filter(pid => placeOf(pid)?.numbers === here);
};

/**
 * An agent that enforces on this host already, whatever its folder. The rules are the network namespace's, and two would take each
 * other's for a stranger's. What others than root run is none, whatever it calls itself.
 */
export function enforcingHere(self: number = process.pid): number | undefined {
  const here = placeOf('self')?.network;
  const isOther = (pid: number): boolean => {
    const words = textOf(pid, 'cmdline') ?? '';
    if (!PROGRAM.test(words) || !words.includes('\0run\0') || words.includes('\0--no-enforce\0'))
      return false;
    const place = placeOf(pid);
    return place?.uid === 0 && place.network === here && pid !== self && !isBelow(self, pid);
  };
  return processIDs().find(isOther);
}

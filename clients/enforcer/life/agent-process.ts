import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readStatus, type Status } from '../agent/status.ts';

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

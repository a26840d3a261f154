import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readStatus, type Status } from '../agent/status.ts';

export const statusFile = (folder: string): string => join(folder, 'status.json');

/** From sources, or as a release. */
const PROGRAM = /\/(enforcer\/(main\.ts|bin\.mjs)|prisma-enforcer[^/\0]*\.mjs)(\0|$)/;

/** Whether the process of that number is an agent: numbers are given out again. */
function isAgent(pid: number): boolean {
  try {
    return PROGRAM.test(readFileSync(`/proc/${pid}/cmdline`, 'utf8'));
  } catch {
    return false;
  }
}

/** The agent that runs on this host with that folder, and what it last told. */
export function runningAgent(folder: string): Status | undefined {
  const status = readStatus(statusFile(folder));
  return status && isAgent(status.pid) ? status : undefined;
}

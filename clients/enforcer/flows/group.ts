import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../clock.ts';
import { LOG_GROUP } from '../data-plane.ts';

/** The kernel's list of groups that somebody reads: one a line, its number first. */
const READERS = '/proc/self/net/netfilter/nfnetlink_log';
const LAST = 65_535;
/** Milliseconds in which the kernel notices that a reader has ended. */
export const NOTICED = 50;

export const groupsIn = (text: string): Set<number> =>
  new Set(text.split('\n').flatMap(line => (line.trim() === '' ? [] : Number(line.trim().split(/\s+/)[0]))));

/** Ends readers of an agent that was killed: they would end by themselves with the next flow, which may never come. */
export function endOrphans(folder: string): boolean {
  let ended = false;
  for (const name of ['tcpdump', 'conntrack']) {
    try {
      const pid = Number(readFileSync(join(folder, `${name}.pid`), 'utf8'));
      if (readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')[0] !== name) continue;
      process.kill(pid, 'SIGKILL');
      ended = true;
    } catch {
      // There is none.
    }
  }
  return ended;
}

/** The group for flow records: ours, or the next that nobody reads, because each has one reader. */
export async function freeGroup(folder: string, clock: Clock, readers = READERS): Promise<number> {
  if (endOrphans(folder)) await clock.sleep(NOTICED);
  let taken = new Set<number>();
  try {
    taken = groupsIn(readFileSync(readers, 'utf8'));
  } catch {
    // Nobody has ever read one here: the kernel's module is not loaded yet.
  }
  let group = LOG_GROUP;
  while (taken.has(group) && group < LAST) group++;
  return group;
}

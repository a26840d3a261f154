import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';

/** Processes that this one can see: those of its own PID namespace and of those within, such as containers'. */
export const processIDs = (): number[] =>
  readdirSync('/proc')
    .filter(name => /^\d+$/.test(name))
    .map(Number);

/** Of a process, what a file below its folder holds. Undefined: it ended meanwhile, or is none of ours to look into. */
export const textOf = (pid: number, file: 'cmdline' | 'environ' | 'stat'): string | undefined => {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return undefined;
  }
};

/** The fourth field; the second, in parentheses, may hold anything. 0: there is none, or no such process. */
const parentOf = (pid: number): number => {
  const stat = textOf(pid, 'stat') ?? '';
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1] ?? 0);
};

/** Whether a process is below another one, with others between them or not. */
export function isBelow(pid: number, above: number): boolean {
  let at = parentOf(pid);
  while (at > 1 && at !== above) at = parentOf(at);
  return at === above;
}

/** Whose a process is, and in which namespaces of network and of process numbers it lives. */
export interface Place {
  uid: number;
  network: number;
  numbers: number;
}

/** Undefined: it ended meanwhile, or is none of ours to look into. */
export const placeOf = (pid: number | 'self'): Place | undefined => {
  try {
    return {
      uid: statSync(`/proc/${pid}`).uid,
      network: statSync(`/proc/${pid}/ns/net`).ino,
      numbers: statSync(`/proc/${pid}/ns/pid`).ino,
    };
  } catch {
    return undefined;
  }
};

/** Whether /proc tells the numbers by which this process knows others: it is of the PID namespace that mounted it. */
export const seesOwnNumbers = (): boolean => {
  try {
    return readlinkSync('/proc/self') === String(process.pid);
  } catch {
    return false;
  }
};

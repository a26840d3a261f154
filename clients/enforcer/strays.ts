import { readdirSync, readFileSync } from 'node:fs';

/** Marks the programs that an agent runs beside itself, and says by which process. */
const MARK = 'PRISMA_ENFORCER_PROCESS';

let environment: NodeJS.ProcessEnv | undefined;

/** From now on programs that run as long as this process does are marked; `inherited`: what else they have in their environment. */
export function markPrograms(inherited: NodeJS.ProcessEnv): void {
  environment = { ...inherited, [MARK]: String(process.pid) };
}

/** Environment of such a program; undefined: this process's own, and no mark. */
export const ownEnvironment = (): NodeJS.ProcessEnv | undefined => environment;

/** Undefined: it ended meanwhile, or is none of ours to look into. */
const textOf = (path: string): string | undefined => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
};

/** The fourth field; the second, in parentheses, may hold anything. 0: there is none, or no such process. */
const parentOf = (pid: number): number => {
  const stat = textOf(`/proc/${pid}/stat`) ?? '';
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1] ?? 0);
};

/** Whether a process is below another one, with others between them or not. */
export function isBelow(pid: number, above: number): boolean {
  let at = parentOf(pid);
  while (at > 1 && at !== above) at = parentOf(at);
  return at === above;
}

/** Whether a process was started by an agent that has died: somebody else has taken it over. */
function isStray(pid: string): boolean {
  const mark = textOf(`/proc/${pid}/environ`)
    ?.split('\0')
    .find(entry => entry.startsWith(`${MARK}=`));
  return mark !== undefined && !isBelow(Number(pid), Number(mark.slice(MARK.length + 1)));
}

/**
 * Ends what agents that were killed have left behind on this machine, whatever became of their folders. Such programs would end by
 * themselves when they have something to say, which may be never. What those of agents that live run is left alone. Gives how many.
 */
export function endStrays(): number {
  let ended = 0;
  for (const pid of readdirSync('/proc').filter(name => /^\d+$/.test(name) && isStray(name))) {
    try {
      process.kill(Number(pid), 'SIGKILL');
      ended++;
    } catch {
      // It ended meanwhile.
    }
  }
  return ended;
}

import { isBelow, type Place, placeOf, processIDs, seesOwnNumbers, textOf } from './processes.ts';

/** Marks the programs that an agent runs beside itself, and says by which process. */
const MARK = 'PRISMA_ENFORCER_PROCESS';

let environment: NodeJS.ProcessEnv | undefined;

/** From now on programs that run as long as this process does are marked; `inherited`: what else they have in their environment. */
export function markPrograms(inherited: NodeJS.ProcessEnv): void {
  environment = { ...inherited, [MARK]: String(process.pid) };
}

/** Environment of such a program; undefined: this process's own, and no mark. */
export const ownEnvironment = (): NodeJS.ProcessEnv | undefined => environment;

/**
 * Whether a process was started by an agent that has died: somebody else has taken it over. A mark is a number of the PID namespace
 * in which it was made, so that of a container's programs it says nothing here; and what listens to another network is for the agent
 * of that one to end.
 */
function isStray(pid: number, here: Place): boolean {
  const mark = textOf(pid, 'environ')
    ?.split('\0')
    .find(entry => entry.startsWith(`${MARK}=`));
  if (mark === undefined) return false;
  const { network, numbers } = placeOf(pid) ?? {};
  if (network !== here.network || numbers !== here.numbers) return false;
  return !isBelow(pid, Number(mark.slice(MARK.length + 1)));
}

/**
 * Ends what agents that were killed have left behind on this host, whatever became of their folders. Such programs would end by
 * themselves when they have something to say, which may be never. What those of agents that live run is left alone. Gives how many.
 */
export function endStrays(): number {
  const here = seesOwnNumbers() ? placeOf('self') : undefined;
  if (!here) return 0;
  let ended = 0;
  for (const pid of processIDs().filter(one => isStray(one, here))) {
    try {
      process.kill(pid, 'SIGKILL');
      ended++;
    } catch {
      // It ended meanwhile.
    }
  }
  return ended;
}

import { setTimeout as wait } from 'node:timers/promises';

/** Milliseconds, far more than anything takes: on a busy machine all of it takes longer, and only what is in vain waits so long. */
const PATIENCE = 120_000;

interface Waiting {
  /** Milliseconds, where it is to happen within a time. */
  within?: number;
  /** What there is when it was waited for in vain. */
  instead?: () => string | Promise<string>;
}

export async function until<T>(
  what: string,
  ask: () => T | undefined | Promise<T | undefined>,
  { within = PATIENCE, instead = () => '' }: Waiting = {},
): Promise<T> {
  for (const deadline = Date.now() + within; Date.now() < deadline; await wait(10)) {
    const answer = await ask();
    if (answer !== undefined && answer !== false) return answer;
  }
  throw new Error([`waited for ${what}`, await instead()].filter(Boolean).join(': '));
}

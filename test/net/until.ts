import { setTimeout as wait } from 'node:timers/promises';

/** Milliseconds, far more than anything takes: on a busy machine all of it takes longer, and only what is in vain waits so long. */
const PATIENCE = 120_000;

/** `instead`: what there is when it was waited for in vain. */
export async function until<T>(
  what: string,
  ask: () => T | undefined | Promise<T | undefined>,
  ms = PATIENCE,
  instead: () => string | Promise<string> = () => '',
): Promise<T> {
  for (const deadline = Date.now() + ms; Date.now() < deadline; await wait(10)) {
    const answer = await ask();
    if (answer !== undefined && answer !== false) return answer;
  }
  throw new Error([`waited for ${what}`, await instead()].filter(Boolean).join(': '));
}

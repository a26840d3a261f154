import { type Backoff, type Clock, waitAfter } from '../clock.ts';

export interface LoopOptions extends Backoff {
  clock: Clock;
  signal: AbortSignal;
  /** The first round is at once, unless this says otherwise. */
  first?: 'at once' | 'after a wait';
  /** A round failed. `failures`: in a row, this one included. */
  failed?: (error: unknown, failures: number) => void;
}

/** Milliseconds that what is under way has to end by itself, once the agent is told to stop. */
const GRACE = 3000;

/** Does something. When the signal is given it is waited for a little longer, and then left alone: who does not answer keeps nobody. */
export async function unless<T>(signal: AbortSignal, clock: Clock, work: Promise<T>): Promise<T | undefined> {
  const ended = new AbortController();
  const left = async (): Promise<undefined> => {
    if (!signal.aborted)
      await new Promise<void>(resolve => {
        signal.addEventListener('abort', () => resolve(), { once: true, signal: ended.signal });
      });
    await clock.sleep(GRACE, ended.signal);
  };
  try {
    return await Promise.race([work, left()]);
  } finally {
    ended.abort();
  }
}

/** Goes round until it is told to stop: with jitter while all goes well, later and later while it doesn't. */
export async function loop(round: () => Promise<void>, options: LoopOptions): Promise<void> {
  const { clock, signal, first = 'at once', failed } = options;
  let failures = 0;
  if (first === 'after a wait') await clock.sleep(waitAfter(options, 0, clock.random()), signal);
  while (!signal.aborted) {
    try {
      await unless(signal, clock, round());
      failures = 0;
    } catch (error) {
      if (signal.aborted) return;
      failures++;
      failed?.(error, failures);
    }
    await clock.sleep(waitAfter(options, failures, clock.random()), signal);
  }
}

/** OpenSSL's words about a certificate that is good at another time. */
const TIME = /certificate (has expired|is not yet valid)/;

const wordsOf = (error: Error): string =>
  error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message;

/** The sockets' own words are in the cause. */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const words = wordsOf(error);
  return TIME.test(words) ? `${words}; renew it, unless the clock of this host is wrong` : words;
}

import type { PushConfig, PushEvent } from '../schema/push.ts';
import { ApiError } from './client.ts';

/** What a listener tells of itself, for people. Times are milliseconds since the epoch. */
export type ListenerState =
  | { kind: 'open' }
  /** Again, after it had ended: what happened `since` then was not told. */
  | { kind: 'back'; since: number }
  /** It ended, or did not open; the next try comes after `wait` milliseconds. */
  | { kind: 'lost'; reason: string; wait: number };

export interface Listening {
  /** URL of push events with its query. Asked for each connection: the token in it ends. */
  url(): Promise<string>;
  /** Asks the API for the namespace: it tells why it refuses, which a WebSocket does not. */
  probe(): Promise<unknown>;
  config: PushConfig;
  event(event: PushEvent): void;
  state(state: ListenerState): void;
  /** Ends it all. */
  signal: AbortSignal;
  /** Until then, or until the signal. */
  sleep(milliseconds: number, signal: AbortSignal): Promise<void>;
  now(): number;
  /** From 0 to 1. */
  random(): number;
}

/** Milliseconds: the first wait at most, and the longest. */
const [FIRST, LONGEST] = [1_000, 60_000];
/** A connection that lasted so long makes the next wait a first one again. */
const STEADY = 30_000;
/** Milliseconds after which the configuration is said again: API Gateway ends what is silent for ten minutes. */
const KEEP = 4 * 60_000;

/**
 * Anywhere up to a ceiling that doubles with every failure ("full jitter"), so that the clients of a server that was
 * started again come back one by one.
 */
export const waitBefore = (failures: number, random: number): number =>
  Math.round(random * Math.min(LONGEST, FIRST * 2 ** Math.min(failures, 30)));

interface Ended {
  reason: string;
  /** When it opened; undefined when it did not. */
  opened: number | undefined;
  /** What the listener itself failed on. */
  failed?: { with: unknown };
}

/** One connection, from its opening to its end. */
async function connected(listening: Listening, opened: () => void): Promise<Ended> {
  const { signal, now } = listening;
  const socket = new WebSocket(await listening.url());
  const say = (): void => socket.send(JSON.stringify(listening.config));
  const end = (): void => socket.close(1000);
  let since: number | undefined;
  let keeping: ReturnType<typeof setInterval> | undefined;
  let failed: Ended['failed'];
  socket.onopen = () => {
    since = now();
    say();
    keeping = setInterval(say, KEEP);
    opened();
  };
  socket.onmessage = ({ data }) => {
    const event = eventOf(String(data));
    if (!event || failed) return;
    try {
      listening.event(event);
    } catch (error) {
      failed = { with: error };
      end();
    }
  };
  // A close follows, which knows no more than this does.
  socket.onerror = () => undefined;
  const closed = new Promise<string>(done => {
    socket.onclose = ({ reason, code }) => done(reason || `the connection ended with code ${code}`);
  });
  signal.addEventListener('abort', end);
  if (signal.aborted) end();
  const reason = await closed;
  signal.removeEventListener('abort', end);
  clearInterval(keeping);
  return { reason, opened: since, ...(failed && { failed }) };
}

/** API Gateway says something of its own when a function failed, which is no event. */
function eventOf(text: string): PushEvent | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return value !== null && typeof value === 'object' && 'type' in value && 'entity' in value
      ? (value as PushEvent)
      : undefined;
  } catch {
    return undefined;
  }
}

/** Says that it was the listener who failed, with its `cause`, and not the connection. */
class Unheard extends Error {
  constructor(cause: unknown) {
    super('the listener failed', { cause });
  }
}

/** Refusals that stay what they are however often one asks. */
const isFinal = (error: unknown): boolean =>
  error instanceof ApiError && error.status < 500 && error.status !== 429 && error.status !== 408;

const said = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/**
 * Listens until it is told to stop, and comes back whenever the connection ends: every two hours at the latest, as API
 * Gateway ends each. What happens between two connections is not told.
 *
 * @throws ApiError once the API refuses for good: the token, the namespace, the rights; and what `event` throws
 */
export async function listenAlways(listening: Listening): Promise<void> {
  const { signal, state, now } = listening;
  let failures = 0;
  /** When something was last sure to be told. */
  let lost: number | undefined;
  while (!signal.aborted) {
    let reason: string;
    try {
      const ended = await connected(listening, () => {
        state(lost === undefined ? { kind: 'open' } : { kind: 'back', since: lost });
      });
      if (ended.failed) throw new Unheard(ended.failed.with);
      if (signal.aborted) return;
      if (ended.opened === undefined) await listening.probe();
      else {
        if (now() - ended.opened >= STEADY) failures = 0;
        lost = now();
      }
      reason = ended.reason;
    } catch (error) {
      if (error instanceof Unheard) throw error.cause;
      if (signal.aborted) return;
      if (isFinal(error)) throw error;
      reason = said(error);
    }
    const wait = waitBefore(failures, listening.random());
    failures += 1;
    state({ kind: 'lost', reason, wait });
    await listening.sleep(wait, signal);
  }
}

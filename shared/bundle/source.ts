import { type Description, fits } from './metadata.ts';
import { refuse } from './refusal.ts';

/**
 * One file of the repository, by its path below the prefix; undefined when there is none. Reads at most
 * `maxBytes + 1` bytes, so that a body that goes on is seen as too long and never held. Throws when it can't tell.
 */
export type Fetch = (path: string, maxBytes: number, signal: AbortSignal) => Promise<Uint8Array | undefined>;

/** `fetch` with limits and a deadline: it answers in time and in size, or a reason says why not. */
export interface Source {
  optional(path: string, maxBytes: number): Promise<Uint8Array | undefined>;
  required(path: string, maxBytes: number): Promise<Uint8Array>;
  /** A file whose length and hash are signed. `kept` is used instead of fetching where it is that file. */
  described(
    place: Description & { path: string },
    limit: number,
    kept: Uint8Array | undefined,
  ): Promise<Uint8Array>;
  /** Forgets the deadline. */
  close(): void;
}

/** `signal` ends the whole update: a body that trickles or never comes costs its deadline and no more. */
export const sourceOf = (fetch: Fetch, signal: AbortSignal): Source => {
  const deadline = Promise.withResolvers<never>();
  const abort = () => deadline.reject(new Error('deadline'));
  deadline.promise.catch(() => undefined);
  signal.addEventListener('abort', abort, { once: true });

  const optional = async (path: string, maxBytes: number): Promise<Uint8Array | undefined> => {
    let bytes: Uint8Array | undefined;
    try {
      signal.throwIfAborted();
      bytes = await Promise.race([fetch(path, maxBytes, signal), deadline.promise]);
    } catch (error) {
      if (signal.aborted) throw refuse('slow', path, `${path} had not come when the deadline passed`);
      throw refuse('unreachable', path, `${path}: ${error instanceof Error ? error.message : String(error)}`);
    }
    if (bytes && bytes.length > maxBytes)
      throw refuse('too_long', path, `${path} is longer than ${maxBytes} bytes`);
    return bytes;
  };
  const required = async (path: string, maxBytes: number): Promise<Uint8Array> => {
    const bytes = await optional(path, maxBytes);
    if (!bytes) throw refuse('missing', path, `there is no ${path}`);
    return bytes;
  };
  return {
    optional,
    required,
    described: async (place, limit, kept) => {
      if (kept && fits(kept, place)) return kept;
      if (place.length > limit)
        throw refuse(
          'too_long',
          place.path,
          `${place.path} is said to have ${place.length} bytes, over ${limit}`,
        );
      return required(place.path, place.length);
    },
    close: () => signal.removeEventListener('abort', abort),
  };
};

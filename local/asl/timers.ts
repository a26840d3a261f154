/** Calls back at a time of the clock that it belongs to; tests have their own, which move only when told. */
export interface Timers {
  /** Calls `ring` once, at `time` (milliseconds since the epoch) or at once if that is past. Returns how to call it off. */
  at(time: number, ring: () => void): () => void;
}

/** The longest that setTimeout can wait. */
const LONGEST = 2 ** 31 - 1;

export const systemTimers: Timers = {
  at(time, ring) {
    let timeout: NodeJS.Timeout;
    const arm = (): void => {
      const left = Math.max(0, time - Date.now());
      timeout = left > LONGEST ? setTimeout(arm, LONGEST) : setTimeout(ring, left);
    };
    arm();
    return () => clearTimeout(timeout);
  },
};

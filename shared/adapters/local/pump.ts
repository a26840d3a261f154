/** Does work whenever there is some: now when woken, later when the next piece says so. One round at a time. */
export interface Pump {
  start(): void;
  wake(): void;
  /** One round, behind those under way. A round that fails rejects here, and ends the process when nobody asked for it. */
  round(): Promise<number>;
  stop(): Promise<void>;
}

const LONGEST_TIMER = 2 ** 31 - 1;

export function pumping({
  round,
  wait,
}: {
  /** Does what is due and says how much that was. */
  round: () => Promise<number>;
  /** Milliseconds until something is due; undefined when nothing is known. */
  wait: () => number | undefined;
}): Pump {
  let on = false;
  let timer: NodeJS.Timeout | undefined;
  let last: Promise<unknown> = Promise.resolve();

  const next = (): Promise<number> => {
    const mine = last.then(round);
    last = mine.catch(() => undefined);
    return mine;
  };
  const tick = async (): Promise<void> => {
    await next();
    schedule();
  };
  const schedule = (): void => {
    clearTimeout(timer);
    const milliseconds = on ? wait() : undefined;
    if (milliseconds !== undefined) timer = setTimeout(tick, Math.min(milliseconds, LONGEST_TIMER));
  };

  return {
    start() {
      on = true;
      schedule();
    },
    wake: schedule,
    round: next,
    async stop() {
      on = false;
      clearTimeout(timer);
      await last;
    },
  };
}

/** How many calls of a port waited for another one's answer, at the deepest, and how many there were in all. */
export interface Meter {
  deepest: number;
  calls: number;
}

/** The same port, which counts. A call is one deeper than the deepest that was answered when it began. */
export const metered = <T extends object>(port: T, meter: Meter): T =>
  new Proxy(port, {
    get: (target, name) => {
      const member: unknown = Reflect.get(target, name);
      if (typeof member !== 'function') return member;
      return async (...args: unknown[]): Promise<unknown> => {
        const depth = meter.deepest + 1;
        meter.calls += 1;
        const result: unknown = await Reflect.apply(member, target, args);
        meter.deepest = Math.max(meter.deepest, depth);
        return result;
      };
    },
  });

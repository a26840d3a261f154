import type { Lambda } from './front.ts';

/** As Lambda tells Step Functions of a function that ended without an answer. */
class Unknown extends Error {
  override name = 'Lambda.Unknown';
}

export type Fault =
  | 'none'
  /** Each invocation happens twice, the second when the first is done. */
  | 'twice'
  /** The first invocation with an input dies when its work is done, before it answers. */
  | 'dies';

/** What may go wrong with the functions of tasks: tests say it by calling `say`. */
export function faults() {
  let fault: Fault = 'none';
  const died = new Set<string>();
  return {
    say: (said: unknown): void => {
      fault = said as Fault;
      died.clear();
    },
    around:
      (name: string, lambda: Lambda): Lambda =>
      async (event, context) => {
        const answer = await lambda(event, context);
        if (fault === 'twice') await lambda(event, context);
        // A task with a token is given another one for each attempt.
        const { token: _, ...input } = event as Record<string, unknown>;
        const key = JSON.stringify([name, input]);
        if (fault === 'dies' && !died.has(key)) {
          died.add(key);
          throw new Unknown(`${name} died before it answered`);
        }
        return answer;
      },
  };
}

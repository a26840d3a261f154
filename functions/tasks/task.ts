import { z } from 'zod';
import { Failure, fail } from '../../shared/schema/failure.ts';
import type { Deps } from '../deps.ts';

export type TaskDeps = Pick<
  Deps,
  'store' | 'publications' | 'bucket' | 'clock' | 'bus' | 'log' | 'runnerPlaces'
>;

/** A task as a state machine calls it: what it is sent, what it answers. Called again with the same input it changes nothing. */
export type Task = (payload: unknown, deps: TaskDeps) => Promise<unknown>;

/** Which execution calls. It is the request ID of every activity that a task writes. */
export const Called = { execution: z.string().min(1) };

/**
 * A task over a parsed input. What it refuses leaves as an error named `Microseg.<kind>`: Lambda gives an error's name
 * to Step Functions, where Retry and Catch tell kinds apart by it.
 */
export const task =
  <Input, Output>(
    input: z.ZodType<Input>,
    work: (input: Input, deps: TaskDeps) => Promise<Output>,
  ): ((payload: unknown, deps: TaskDeps) => Promise<Output>) =>
  async (payload, deps) => {
    try {
      return await work(parse(input, payload), deps);
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      deps.log.warn('task refused', { kind: error.kind, message: error.message, payload });
      throw Object.assign(error, { name: `Microseg.${error.kind}` });
    }
  };

function parse<Input>(schema: z.ZodType<Input>, payload: unknown): Input {
  const result = schema.safeParse(payload);
  if (result.success) return result.data;
  throw fail(
    'invalid',
    `the task's input is wrong: ${z.prettifyError(result.error)}; mend the state machine's Payload`,
  );
}

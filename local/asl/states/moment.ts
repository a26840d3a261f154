import type { Json } from '../json.ts';
import { LIMITS } from '../limits.ts';
import { withinQuota } from '../quota.ts';
import { StateError } from '../state-error.ts';
import type { Template } from '../template.ts';

/** A state at the moment that it is run: its name, its input, and what its expressions see. */
export interface Moment {
  state: string;
  input: Json;
  now: Date;
  randomBytes(size: number): Uint8Array;
  evaluate(
    template: Template,
    also?: { result?: Json; errorOutput?: Json; context?: Record<string, Json> },
  ): Promise<Json>;
}

/** What becomes of a state that was entered, or that went on. Failures are thrown as StateError. */
export type Outcome =
  /** `next` is absent at the end of a block. */
  | { kind: 'leave'; output: Json; assign: Record<string, Json>; next?: string | undefined }
  | { kind: 'wait'; until: number }
  | { kind: 'task'; task: string; payload: Json; token?: string; timeout?: number; heartbeat?: number }
  /** Children, each with its own first state and input; at most `concurrency` at a time. */
  | { kind: 'fork'; children: Child[]; concurrency: number }
  /** The same, each in an execution of its own. */
  | { kind: 'spread'; children: Child[]; concurrency: number };

export interface Child {
  startAt: string;
  input: Json;
  item?: { Index: number; Value: Json };
}

interface Ending {
  Output?: Template | undefined;
  Assign?: Record<string, Template> | undefined;
}

/** Leaves a state: output as the state says, else as given; variables as they were before, in Output and Assign alike. */
export async function leave(
  ending: Ending,
  moment: Moment,
  next: string | undefined,
  otherwise: Json,
  also: { result?: Json; errorOutput?: Json } = {},
): Promise<Outcome> {
  const output = ending.Output ? await moment.evaluate(ending.Output, also) : otherwise;
  const assign = Object.entries(ending.Assign ?? {}).map(
    async ([name, value]) => [name, await moment.evaluate(value, also)] as const,
  );
  return {
    kind: 'leave',
    output: withinQuota(output, `the output of \`${moment.state}\``),
    assign: withinQuota(Object.fromEntries(await Promise.all(assign)), `Assign of \`${moment.state}\``),
    next,
  };
}

/** The number of a field, for a person's error message; expressions may give anything. */
export async function wholeNumber(
  template: Template,
  field: string,
  least: number,
  moment: Moment,
): Promise<number> {
  const value = await moment.evaluate(template);
  if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= 99_999_999)
    return value;
  throw new StateError(
    'States.QueryEvaluationError',
    `${field} of \`${moment.state}\` gave ${JSON.stringify(value)?.slice(0, 80)}; it must be a whole number from ${least} to 99999999`,
  );
}

export const mapConcurrency = (asked: number): number =>
  asked === 0 ? LIMITS.mapConcurrency : Math.min(asked, LIMITS.mapConcurrency);

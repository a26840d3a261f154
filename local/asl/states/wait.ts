import type { WaitState } from '../schema.ts';
import { StateError } from '../state-error.ts';
import type { Template } from '../template.ts';
import { leave, type Moment, type Outcome, wholeNumber } from './moment.ts';

export async function enterWait(state: WaitState, moment: Moment): Promise<Outcome> {
  if (!state.Seconds) return { kind: 'wait', until: await time(state.Timestamp, moment) };
  const seconds = await wholeNumber(state.Seconds, 'Seconds', 0, moment);
  return { kind: 'wait', until: moment.now.getTime() + seconds * 1000 };
}

export const waited = (state: WaitState, moment: Moment): Promise<Outcome> =>
  leave(state, moment, state.Next, moment.input);

/** RFC 3339 with an offset or Z. */
const TIMESTAMP = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/;

async function time(timestamp: Template | undefined, moment: Moment): Promise<number> {
  const value = timestamp && (await moment.evaluate(timestamp));
  if (typeof value === 'string' && TIMESTAMP.test(value)) return Date.parse(value);
  throw new StateError(
    'States.QueryEvaluationError',
    `Timestamp of \`${moment.state}\` gave ${JSON.stringify(value)?.slice(0, 80)}; it must be RFC 3339, such as 2026-03-14T01:59:00Z`,
  );
}

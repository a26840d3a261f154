import type { Json } from '../json.ts';
import { withinQuota } from '../quota.ts';
import type { ParallelState } from '../schema.ts';
import { leave, type Moment, type Outcome } from './moment.ts';

/** Every branch gets the state's Arguments, or else its input. */
export async function enterParallel(state: ParallelState, moment: Moment): Promise<Outcome> {
  const input = state.Arguments ? await moment.evaluate(state.Arguments) : moment.input;
  withinQuota(input, `Arguments of \`${moment.state}\``);
  const children = state.Branches.map(branch => ({ startAt: branch.StartAt, input }));
  return { kind: 'fork', children, concurrency: children.length };
}

/** `result`: what each branch gave, in their order. */
export const parallelJoined = (state: ParallelState, moment: Moment, result: Json): Promise<Outcome> =>
  leave(state, moment, state.Next, result, { result });

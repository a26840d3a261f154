import type { Json } from '../json.ts';
import { LIMITS } from '../limits.ts';
import { withinQuota } from '../quota.ts';
import type { MapState } from '../schema.ts';
import { StateError } from '../state-error.ts';
import { type Child, leave, type Moment, mapConcurrency, type Outcome, wholeNumber } from './moment.ts';

export async function enterMap(state: MapState, moment: Moment): Promise<Outcome> {
  const items = state.Items ? await moment.evaluate(state.Items) : moment.input;
  if (!Array.isArray(items)) {
    throw new StateError(
      'States.QueryEvaluationError',
      `Items of \`${moment.state}\` gave ${JSON.stringify(items).slice(0, 80)}; it must be an array`,
    );
  }
  const asked = state.MaxConcurrency
    ? await wholeNumber(state.MaxConcurrency, 'MaxConcurrency', 0, moment)
    : 0;
  const children = await Promise.all(items.map((value, index) => child(state, moment, index, value)));
  return isDistributed(state)
    ? { kind: 'spread', children, concurrency: asked === 0 ? LIMITS.mapExecutions : asked }
    : { kind: 'fork', children, concurrency: mapConcurrency(asked) };
}

const isDistributed = ({ ItemProcessor }: MapState): boolean =>
  ItemProcessor.ProcessorConfig?.Mode === 'DISTRIBUTED';

async function child(state: MapState, moment: Moment, index: number, value: Json): Promise<Child> {
  const item = { Index: index, Value: value };
  const input = state.ItemSelector
    ? await moment.evaluate(state.ItemSelector, { context: { Map: { Item: item } } })
    : value;
  withinQuota(input, `item ${index} of \`${moment.state}\``);
  return { startAt: state.ItemProcessor.StartAt, input, item };
}

/** `result`: what each iteration gave, in the order of the items. */
export const mapJoined = (state: MapState, moment: Moment, result: Json): Promise<Outcome> =>
  leave(state, moment, state.Next, result, { result });

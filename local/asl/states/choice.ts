import type { ChoiceState } from '../schema.ts';
import { StateError } from '../state-error.ts';
import { leave, type Moment, type Outcome } from './moment.ts';

/** The first rule whose Condition is true; else Default, with the state's own Output and Assign. */
export async function enterChoice(state: ChoiceState, moment: Moment): Promise<Outcome> {
  for (const rule of state.Choices) {
    const holds = await moment.evaluate(rule.Condition);
    if (typeof holds !== 'boolean') {
      throw new StateError(
        'States.QueryEvaluationError',
        `a Condition of \`${moment.state}\` gave ${JSON.stringify(holds).slice(0, 80)}; it must be true or false`,
      );
    }
    if (holds) return leave(rule, moment, rule.Next, moment.input);
  }
  if (state.Default !== undefined) return leave(state, moment, state.Default, moment.input);
  throw new StateError(
    'States.NoChoiceMatched',
    `no Condition of \`${moment.state}\` is true and it has no Default`,
  );
}

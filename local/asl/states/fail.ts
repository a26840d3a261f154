import type { FailState } from '../schema.ts';
import { StateError } from '../state-error.ts';
import type { Template } from '../template.ts';
import type { Moment, Outcome } from './moment.ts';

export async function enterFail(state: FailState, moment: Moment): Promise<Outcome> {
  const text = async (template: Template | undefined) => {
    const value = template ? await moment.evaluate(template) : '';
    if (typeof value === 'string') return value;
    throw new StateError(
      'States.QueryEvaluationError',
      `Error and Cause of \`${moment.state}\` must be strings`,
    );
  };
  throw new StateError(await text(state.Error), await text(state.Cause));
}

import type { SucceedState } from '../schema.ts';
import { leave, type Moment, type Outcome } from './moment.ts';

export const enterSucceed = (state: SucceedState, moment: Moment): Promise<Outcome> =>
  leave(state, moment, undefined, moment.input);

import type { PassState } from '../schema.ts';
import { leave, type Moment, type Outcome } from './moment.ts';

export const enterPass = (state: PassState, moment: Moment): Promise<Outcome> =>
  leave(state, moment, state.Next, moment.input);

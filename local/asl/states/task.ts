import type { Json } from '../json.ts';
import { withinQuota } from '../quota.ts';
import type { TaskState } from '../schema.ts';
import { leave, type Moment, type Outcome, wholeNumber } from './moment.ts';

const takesToken = (state: TaskState): boolean => state.Resource.endsWith('.waitForTaskToken');

export async function enterTask(state: TaskState, moment: Moment): Promise<Outcome> {
  const token = takesToken(state) ? Buffer.from(moment.randomBytes(32)).toString('base64url') : undefined;
  const context = token === undefined ? {} : { context: { Task: { Token: token } } };
  const payload = await moment.evaluate(state.Arguments.Payload, context);
  return {
    kind: 'task',
    task: state.Arguments.FunctionName,
    payload: withinQuota(payload, `the payload of \`${moment.state}\``),
    ...(token === undefined ? {} : { token }),
    ...(state.TimeoutSeconds && {
      timeout: await wholeNumber(state.TimeoutSeconds, 'TimeoutSeconds', 1, moment),
    }),
    ...(state.HeartbeatSeconds && {
      heartbeat: await wholeNumber(state.HeartbeatSeconds, 'HeartbeatSeconds', 1, moment),
    }),
  };
}

/** `answer`: what the function returned, or what was sent with the token. */
export const taskSucceeded = (state: TaskState, moment: Moment, answer: Json): Promise<Outcome> => {
  withinQuota(answer, `the result of \`${moment.state}\``);
  const result = takesToken(state)
    ? answer
    : { ExecutedVersion: '$LATEST', Payload: answer, StatusCode: 200 };
  return leave(state, moment, state.Next, result, { result });
};

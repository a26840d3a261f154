import { LIMITS } from './limits.ts';

/**
 * An error of the Amazon States Language: a name that Retry and Catch compare, and a cause for people. It is data of a
 * running machine, thrown and caught inside `step`, and ends in `$states.errorOutput` or in the execution's status.
 */
export class StateError extends Error {
  override readonly name: string;
  override readonly cause: string;
  constructor(name: string, cause: string) {
    super(`${name}: ${cause}`);
    this.name = name.slice(0, LIMITS.error);
    this.cause = cause.slice(0, LIMITS.cause);
  }
}

/** Names with `States.` that a Retry or Catch may hold here: those that this interpreter raises, and two wildcards. */
export const KNOWN_STATES_ERRORS: readonly string[] = [
  'States.ALL',
  'States.DataLimitExceeded',
  'States.ExceedToleratedFailureThreshold',
  'States.HeartbeatTimeout',
  'States.QueryEvaluationError',
  'States.TaskFailed',
  'States.Timeout',
];

/** No wildcard stands for these, and `States.Runtime` ends an execution whatever its states say. */
const TERMINAL = ['States.DataLimitExceeded', 'States.Runtime'];

/** Whether a Retry's or Catch's `ErrorEquals` holds for an error's name. */
export const matches = (errorEquals: readonly string[], name: string): boolean =>
  name !== 'States.Runtime' &&
  errorEquals.some(pattern => {
    if (pattern === 'States.ALL') return !TERMINAL.includes(name);
    if (pattern === 'States.TaskFailed') return name !== 'States.Timeout' && !TERMINAL.includes(name);
    return pattern === name;
  });

import type { Ended, Occurrence, Thread } from './execution.ts';
import { failed, joined, run, type Work } from './progress.ts';
import { StateError } from './state-error.ts';

/** Nothing of a distributed Map is tolerated here: one execution that fails, fails it. */
const intolerable = ({ status, error = '', cause = '' }: Ended): StateError =>
  new StateError(
    'States.ExceedToleratedFailureThreshold',
    `an execution of the Map ended as ${status}: ${[error, cause].filter(text => text !== '').join(': ')}`,
  );

/** An item's execution has ended: the next one begins, or the Map is done. False when nobody waits for it any more. */
export async function childEnded(
  work: Work,
  thread: Thread,
  { batch, index, child }: Extract<Occurrence, { kind: 'ended' }>,
): Promise<boolean> {
  const { draft } = work;
  const { phase } = thread;
  if (phase.kind !== 'spread' || phase.batch !== batch || phase.ended[index] !== null) return false;
  if (child.status !== 'SUCCEEDED') {
    draft.log('MapRunFailed', thread.state);
    await failed(work, thread, intolerable(child));
    return true;
  }
  const ended = phase.ended.with(index, { output: child.output ?? null });
  if (ended.every(each => each !== null)) {
    draft.log('MapRunSucceeded', thread.state);
    draft.log('MapStateSucceeded', thread.state);
    await run(work, thread, joined(ended.map(({ output }) => output)));
    return true;
  }
  const begun = Math.min(phase.begun + 1, phase.items.length);
  draft.put({ ...thread, phase: { ...phase, ended, begun } });
  return true;
}

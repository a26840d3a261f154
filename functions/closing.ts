import { touch } from '../shared/core/object.ts';
import { Failure } from '../shared/schema/failure.ts';
import type { Deletion, Namespace } from '../shared/schema/namespace.ts';
import type { Deps } from './deps.ts';

type StoreAndClock = Pick<Deps, 'store' | 'clock'>;

/** The namespace's next version, in that state of its deletion. */
export const marked = (object: Namespace, deletion: Deletion, { clock }: StoreAndClock): Namespace =>
  touch('namespace', { ...object, deletion }, clock.now());

/** From now on nothing can be created in the namespace. It is still there for everybody. */
export async function close(object: Namespace, deps: StoreAndClock): Promise<Namespace> {
  const closed = marked(object, 'Checking', deps);
  await deps.store.commit([
    { kind: 'update', resource: 'namespace', object: closed, seen: object.updateTime },
  ]);
  return closed;
}

/** Undoes `close`: the object is as it was, to the very version that its readers have seen. */
export async function reopen(
  closed: Namespace,
  { updateTime }: Pick<Namespace, 'updateTime'>,
  { store }: Pick<Deps, 'store'>,
): Promise<void> {
  const { deletion: _, ...object } = closed;
  try {
    await store.commit([
      {
        kind: 'update',
        resource: 'namespace',
        object: { ...object, updateTime },
        seen: closed.updateTime,
      },
    ]);
  } catch (error) {
    // Whoever wrote it meanwhile has it now.
    if (!(error instanceof Failure && ['conflict', 'not_found'].includes(error.kind))) throw error;
  }
}

/** Milliseconds after which whoever closed a namespace cannot be at it any more: more than a request may take. */
const ABANDONED = 60_000;

/** Opens a namespace that a request closed and then died, so that it takes objects again. */
export async function reopenAbandoned(namespace: Namespace | undefined, deps: StoreAndClock): Promise<void> {
  if (namespace?.deletion !== 'Checking') return;
  const now = deps.clock.now();
  if (now.getTime() - Date.parse(namespace.updateTime) < ABANDONED) return;
  const { updateTime } = touch('namespace', namespace, now);
  await reopen(namespace, { updateTime }, deps);
}

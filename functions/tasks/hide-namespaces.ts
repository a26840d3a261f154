import { z } from 'zod';
import { isHidden, type Namespace } from '../../shared/schema/namespace.ts';
import { marked } from '../closing.ts';
import { childrenOf, Purge, rootOf } from '../purging.ts';
import { Called, type TaskDeps, task } from './task.ts';

const Input = z.strictObject({ ...Called, ...Purge.shape });

/** Namespaces that one call hides; a call has 30 seconds. */
const MOST = 200;

/**
 * Hides the namespaces below one that is being removed, from the top down, so that nothing can be created in any of
 * them any more: a namespace's children are looked for after it was closed itself. Answers `done` when all are hidden.
 */
export const hideNamespaces = task(Input, async (input, deps) => {
  const root = await rootOf(input, deps);
  const edge: Namespace[] = root ? [root] : [];
  let hidden = 0;
  for (let next = edge.pop(); next; next = edge.pop()) {
    if (!isHidden(next)) {
      if (hidden === MOST) return { done: false };
      await hide(next, deps);
      hidden += 1;
    }
    edge.push(...(await childrenOf(next, deps)));
  }
  return { done: true };
});

/** A write that lost a race fails with `conflict`; the state machine tries again. */
const hide = (namespace: Namespace, deps: TaskDeps): Promise<void> =>
  deps.store.commit([
    {
      kind: 'update',
      resource: 'namespace',
      object: marked(namespace, 'Hidden', deps),
      seen: namespace.updateTime,
    },
  ]);

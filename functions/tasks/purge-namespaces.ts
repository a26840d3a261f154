import { z } from 'zod';
import { newObjectId } from '../../shared/core/object.ts';
import type { Activity, Stored, Write } from '../../shared/ports/object-store.ts';
import { Failure } from '../../shared/schema/failure.ts';
import { NamespacePath, tenantOf } from '../../shared/schema/ids.ts';
import { isHidden, type Namespace } from '../../shared/schema/namespace.ts';
import { everyIdentity, type Identity } from '../../shared/schema/resources.ts';
import { chunks } from '../import/batch.ts';
import { Purge, rootOf } from '../purging.ts';
import { Called, type TaskDeps, task } from './task.ts';

const Input = z.strictObject({ ...Called, ...Purge.shape });

/** Transactions of one call; a call has 30 seconds. */
const MOST = 40;
/** Objects that go in one transaction at most: each has its item, its guard, its pointers and its activity, of 100 in all. */
const TOGETHER = 16;

/**
 * Removes what is in the namespace and below, from the leaves up, a part at a call; then the namespace itself. Answers
 * `done` when nothing is left. All below is hidden by then: nothing comes in any more.
 */
export const purgeNamespaces = task(Input, async (input, deps) => {
  for (let step = 0; step < MOST; step += 1) {
    const root = await rootOf(input, deps);
    if (!root) return { done: true };
    try {
      await removeSome(await leafOf(root, deps), input.execution, deps);
    } catch (error) {
      // Another removal, or a write that was under way when the namespace was hidden: it is read again.
      if (!(error instanceof Failure && ['conflict', 'not_found'].includes(error.kind))) throw error;
    }
  }
  return { done: false };
});

/** The namespace itself, or the first of those below it that have none below. */
async function leafOf(namespace: Namespace, deps: TaskDeps): Promise<Namespace> {
  const path = NamespacePath.parse(namespace.name);
  const [child] = (await deps.store.list('namespace', path, { limit: 1 })).items;
  if (!child) return namespace;
  if (!isHidden(child)) throw new Error(`namespace ${child.name} is not hidden; HideNamespaces comes first`);
  return leafOf(child, deps);
}

/** Some of the objects of a namespace; the namespace and what is published of it when there are none. */
async function removeSome(leaf: Namespace, execution: string, deps: TaskDeps): Promise<void> {
  const path = NamespacePath.parse(leaf.name);
  const objects = await objectsIn(path, deps);
  const [some] = chunks(
    objects.map(([identity, object]) => ({
      entry: object.ID,
      writes: removal(identity, object, execution, deps),
    })),
  );
  if (some) return deps.store.commit(some.flatMap(({ writes }) => writes));
  await deps.publications.remove(tenantOf(path), leaf.ID);
  await deps.store.commit(removal('namespace', leaf, execution, deps));
}

async function objectsIn(path: NamespacePath, { store }: TaskDeps): Promise<[Identity, Stored][]> {
  const lists = await Promise.all(
    everyIdentity
      .filter(identity => identity !== 'namespace')
      .map(async identity => {
        const { items } = await store.list(identity, path, { limit: TOGETHER });
        return items.map((object): [Identity, Stored] => [identity, object]);
      }),
  );
  return lists.flat().slice(0, TOGETHER);
}

function removal(identity: Identity, object: Stored, execution: string, { clock }: TaskDeps): Write[] {
  const now = clock.now();
  const entry: Activity = {
    id: newObjectId(now, size => clock.randomBytes(size)),
    namespace: object.namespace,
    date: now.toISOString(),
    operation: 'delete',
    targetIdentity: identity,
    targetID: object.ID,
    claims: ['@auth:realm=system', '@auth:subject=delete-namespace'],
    requestID: execution,
  };
  return [
    { kind: 'delete', resource: identity, object, seen: object.updateTime },
    { kind: 'activity', activity: entry },
  ];
}

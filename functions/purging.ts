import { z } from 'zod';
import type { Workflows } from '../shared/ports/workflows.ts';
import { fail } from '../shared/schema/failure.ts';
import { NamespacePath, ObjectId } from '../shared/schema/ids.ts';
import type { Namespace } from '../shared/schema/namespace.ts';
import type { Deps } from './deps.ts';

/** Input of statemachines/delete-namespace.asl.json: which namespace to remove with everything below it. */
export const Purge = z.strictObject({
  /** Where the namespace's object lives: its parent. */
  parent: NamespacePath,
  ID: ObjectId,
});
export type Purge = z.infer<typeof Purge>;

/** Starts the removal of a namespace that was hidden, once. */
export async function startPurge(
  { parent, ID }: Purge,
  deps: Pick<Deps, 'log'> & { workflows: Pick<Workflows, 'start'> },
): Promise<void> {
  const { started } = await deps.workflows.start('delete-namespace', ID, { parent, ID });
  deps.log.info(started ? 'removal of a namespace started' : 'removal of a namespace was started before', {
    namespaceID: ID,
  });
}

/** The namespace that is being removed; undefined when it is gone already. Only hidden ones are removed. */
export async function rootOf(
  { parent, ID }: Purge,
  { store }: Pick<Deps, 'store'>,
): Promise<Namespace | undefined> {
  const root = await store.get({ resource: 'namespace', namespace: parent, id: ID });
  if (!root || root.deletion === 'Purging' || root.deletion === 'Hidden') return root;
  throw fail('invalid', `namespace ${root.name} is not to be removed; delete it through the API first`);
}

/** Namespaces right below one, hidden or not. Consistent. */
export async function childrenOf(
  { name }: Pick<Namespace, 'name'>,
  { store }: Pick<Deps, 'store'>,
): Promise<Namespace[]> {
  const path = NamespacePath.parse(name);
  const children: Namespace[] = [];
  let after: string | undefined;
  do {
    const page = await store.list('namespace', path, {
      limit: 1000,
      ...(after === undefined ? {} : { after }),
    });
    children.push(...page.items);
    after = page.next;
  } while (after !== undefined);
  return children;
}

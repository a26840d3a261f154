import { Failure, fail } from '../shared/schema/failure.ts';
import { isWithin, NamespacePath, parentPath, ROOT, tenantOf } from '../shared/schema/ids.ts';
import type { Deps } from './deps.ts';

/**
 * What a write into a namespace is told, or one that would take its name, where the namespace is being deleted: not that there is
 * none, because it can't be made either. Undefined where nothing is deleted. Asked when a write was refused, so that good ones pay
 * nothing; what is hidden is known from an index, which lags by moments.
 */
export async function beingDeleted(
  path: NamespacePath,
  { store }: Pick<Deps, 'store'>,
): Promise<Failure | undefined> {
  if (path === ROOT) return undefined;
  const purgingIn = (tenant: NamespacePath) => store.findBy('namespace', tenant, 'deletion', 'Purging');
  const [there, ...purging] = await Promise.all([
    store.getByName('namespace', parentPath(path), path),
    purgingIn(ROOT),
    purgingIn(tenantOf(path)),
  ]);
  const going = purging.flat().find(({ name }) => isWithin(path, name));
  if (going) {
    return fail(
      'locked',
      `namespace \`${going.name}\` is being deleted with all below it; when that is done its name is free again. If it is not done within minutes, the workflow delete-namespace failed: it is begun anew each hour, and an operator sees why in its last execution`,
    );
  }
  if (there?.deletion !== 'Checking') return undefined;
  return fail(
    'locked',
    `namespace \`${there.name}\` is being deleted: a request looks whether it is empty; try again in a minute`,
  );
}

/** The name that a refused create wanted, where it was a namespace's: no other name is a path. */
function wanted({ kind, details }: Failure): NamespacePath | undefined {
  const value = kind === 'duplicate' ? details[0]?.data?.value : undefined;
  return typeof value === 'string' && value.startsWith('/') ? NamespacePath.safeParse(value).data : undefined;
}

/**
 * A refusal of a write into the namespace, as it is told: while that namespace, or the one whose name was wanted, is being deleted,
 * the store says that there is none, or that the name is taken.
 */
export async function explained(
  error: unknown,
  namespace: NamespacePath,
  deps: Pick<Deps, 'store'>,
): Promise<unknown> {
  if (!(error instanceof Failure)) return error;
  const path = error.kind === 'not_found' ? namespace : wanted(error);
  return (path && (await beingDeleted(path, deps))) ?? error;
}

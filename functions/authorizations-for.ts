import type { Caller } from '../shared/core/authorize.ts';
import { mayMean } from '../shared/core/subject-index.ts';
import type { ApiAuthorizationPolicy } from '../shared/schema/apiauthorizationpolicy.ts';
import { lineage, type NamespacePath } from '../shared/schema/ids.ts';
import type { Deps } from './deps.ts';

/** API authorizations that can count for a caller in a namespace: its own and its ancestors', as they are in this moment. */
export async function authorizationsFor(
  { claims }: Pick<Caller, 'claims'>,
  namespace: NamespacePath,
  { store }: Pick<Deps, 'store'>,
): Promise<ApiAuthorizationPolicy[]> {
  const lists = await Promise.all(lineage(namespace).map(path => store.all('apiauthorizationpolicy', path)));
  return lists.flatMap(list => mayMean(list, claims));
}

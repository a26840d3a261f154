import { NamespacePath, ROOT } from '../../shared/schema/ids.ts';
import type { ImportRun } from '../../shared/schema/import.ts';
import type { Deps } from '../deps.ts';
import { everyBelow } from '../list.ts';
import { everyIn } from '../pipeline/authorize.ts';

/** Every import that is on record, tenant by tenant. */
export async function* everyImport({ store }: Pick<Deps, 'store'>): AsyncGenerator<ImportRun> {
  yield* await everyIn(store, 'import', ROOT);
  for (const { name } of await everyIn(store, 'namespace', ROOT)) {
    yield* await everyBelow(store, 'import', NamespacePath.parse(name));
  }
}

import { createHash } from 'node:crypto';
import { newObject } from '../../shared/core/object.ts';
import type { Write } from '../../shared/ports/object-store.ts';
import { type Failure, fail } from '../../shared/schema/failure.ts';
import type { NamespacePath } from '../../shared/schema/ids.ts';
import { type ImportRun, importlabel } from '../../shared/schema/import.ts';
import type { Deps } from '../deps.ts';
import { idFrom } from '../upgrade.ts';

type Store = Pick<Deps, 'store'>;

/** Labels are longer, in UTF-8, than a sort key may be. */
const nameOf = (label: string): string => createHash('sha256').update(label).digest('hex');

const labelID = (run: Pick<ImportRun, 'ID'>) => idFrom('importlabel', run.ID);

/**
 * Takes a label in a namespace for an import, until what `giving` says is done. The transaction that it stands in fails
 * with `duplicate` while another import has the label: of two that begin at one moment, each would take what the other
 * makes for its own, or make it twice.
 */
export function taking(run: ImportRun, label: string, now: Date): Write[] {
  if (label === '') return [];
  const input = importlabel.input.parse({ name: nameOf(label), label, import: run.ID });
  const object = newObject('importlabel', input, { id: labelID(run), namespace: run.namespace, now });
  return [{ kind: 'create', resource: 'importlabel', object }];
}

/** Gives the label back, if the import has one. */
export async function giving(run: ImportRun, { store }: Store): Promise<Write[]> {
  const object = await store.get({ resource: 'importlabel', namespace: run.namespace, id: labelID(run) });
  return object ? [{ kind: 'delete', resource: 'importlabel', object, seen: object.updateTime }] : [];
}

/** The refusal that names the import which has the label; undefined while none has. */
export async function takenBy(
  namespace: NamespacePath,
  label: string,
  { store }: Store,
): Promise<Failure | undefined> {
  const taken = label && (await store.getByName('importlabel', namespace, nameOf(label)));
  if (!taken) return undefined;
  const other = await store.get({ resource: 'import', namespace, id: taken.import });
  const stands = other ? ` is ${other.status}` : '';
  return fail(
    'conflict',
    `import ${taken.import} with the label \`${label}\`${stands}; wait for it or cancel it`,
  );
}

import type { Stored } from '../../shared/ports/object-store.ts';
import { Failure } from '../../shared/schema/failure.ts';
import { lineage, type NamespacePath } from '../../shared/schema/ids.ts';
import { type Identity, resourceOf } from '../../shared/schema/resources.ts';
import type { Deps } from '../deps.ts';
import { commit, type Run, recorded, type Step, telling } from './apply.ts';
import { type Entry, ORDER } from './entries.ts';
import { callFor, labelTag } from './objects.ts';

/** An object that is to go, and where it stands among those that do. */
export interface Labelled {
  entry: Entry;
  target: Stored;
}

/** Objects in the namespace and below that have the label, and are not held by the file. */
export async function* labelled(
  identity: Identity,
  home: NamespacePath,
  label: string,
  held: ReadonlySet<string>,
  store: Deps['store'],
): AsyncGenerator<Labelled> {
  const tag = labelTag(label);
  let after: string | undefined;
  do {
    const query = { limit: 1000, ...(after === undefined ? {} : { after }) };
    const page = await store.listTree(identity, home, query);
    for (const target of page.items) {
      if (!target.metadata.some(it => it === tag) || held.has(target.ID)) continue;
      const at = `${resourceOf(identity).plural} ${target.ID}`;
      yield { target, entry: { identity, at, namespace: target.namespace, fields: {} } };
    }
    after = page.next;
  } while (after !== undefined);
}

/** Kinds in the order in which they go: what may refer to others first. Namespaces go last. */
export const GOING: readonly Identity[] = ORDER.filter(identity => identity !== 'namespace').toReversed();

/** Namespaces, the deepest first. */
export const deepestFirst = (all: readonly Labelled[]): Labelled[] =>
  all.toSorted((a, b) => lineage(b.target.namespace).length - lineage(a.target.namespace).length);

export async function removal({ entry, target }: Labelled, run: Run): Promise<Step> {
  const derived = await callFor(entry, 'delete', target, run.call, run.lineages);
  return { entry, writes: await recorded(derived, run), outcome: 'removed' };
}

/** A namespace that holds something else too stays, and that is said. True when it went. */
export async function removeNamespace(one: Labelled, run: Run): Promise<boolean> {
  try {
    // Deleting a namespace is more than one transaction.
    const derived = await callFor(one.entry, 'delete', one.target, run.call, run.lineages);
    await telling([one.entry], 0, run, async () => run.nouns[derived.operation]?.(derived, run.deps));
    return true;
  } catch (error) {
    if (!(error instanceof Failure && error.kind === 'conflict')) throw error;
    const name = String(Reflect.get(one.target, 'name'));
    run.report.findings.push({ at: one.entry.at, name, message: `it stays: ${error.message}` });
    return false;
  }
}

/** Removes what earlier imports with the label made, and this one does not hold. Namespaces go last, the deepest first. */
export async function removeLabelled(run: Run): Promise<void> {
  const { store } = run.deps;
  const { report, held, call } = run;
  const all = async (identity: Identity): Promise<Labelled[]> => {
    const found: Labelled[] = [];
    for await (const one of labelled(identity, call.namespace, report.label, held, store)) found.push(one);
    return found;
  };
  const found = (await Promise.all(GOING.map(all))).flat();
  for (const [, group] of Map.groupBy(found, ({ entry }) => entry.namespace)) {
    await commit(await Promise.all(group.map(one => removal(one, run))), run);
  }
  for (const one of deepestFirst(await all('namespace'))) {
    if (await removeNamespace(one, run)) run.report.removed += 1;
  }
}

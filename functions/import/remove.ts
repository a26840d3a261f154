import type { Stored } from '../../shared/ports/object-store.ts';
import { Failure } from '../../shared/schema/failure.ts';
import { lineage } from '../../shared/schema/ids.ts';
import { type Identity, resourceOf } from '../../shared/schema/resources.ts';
import type { Deps } from '../deps.ts';
import { commit, type Run, recorded, type Step, telling } from './apply.ts';
import { type Entry, ORDER } from './entries.ts';
import { callFor, labelTag } from './objects.ts';

interface Labelled {
  entry: Entry;
  target: Stored;
}

async function labelled(identity: Identity, run: Run, store: Deps['store']): Promise<Labelled[]> {
  const tag = labelTag(run.report.label);
  const found: Labelled[] = [];
  let after: string | undefined;
  do {
    const query = { limit: 1000, ...(after === undefined ? {} : { after }) };
    const page = await store.listTree(identity, run.call.namespace, query);
    for (const target of page.items) {
      if (!target.metadata.some(it => it === tag) || run.held.has(target.ID)) continue;
      const at = `${resourceOf(identity).plural} ${target.ID}`;
      found.push({ target, entry: { identity, at, namespace: target.namespace, fields: {} } });
    }
    after = page.next;
  } while (after !== undefined);
  return found;
}

async function removal({ entry, target }: Labelled, run: Run): Promise<Step> {
  const derived = await callFor(entry, 'delete', target, run.call, run.lineages);
  return { entry, writes: await recorded(derived, run), outcome: 'removed' };
}

/** A namespace that holds something else too stays, and that is said. */
async function removeNamespace(one: Labelled, run: Run): Promise<void> {
  try {
    // Deleting a namespace is more than one transaction.
    const derived = await callFor(one.entry, 'delete', one.target, run.call, run.lineages);
    await telling([one.entry], 0, run, async () => run.nouns[derived.operation]?.(derived, run.deps));
    run.report.removed += 1;
  } catch (error) {
    if (!(error instanceof Failure && error.kind === 'conflict')) throw error;
    const name = String(Reflect.get(one.target, 'name'));
    run.report.findings.push({ at: one.entry.at, name, message: `it stays: ${error.message}` });
  }
}

/** Removes what earlier imports with the label made, and this one does not hold. Namespaces go last, the deepest first. */
export async function removeLabelled(run: Run): Promise<void> {
  const { store } = run.deps;
  const kinds = ORDER.filter(identity => identity !== 'namespace').toReversed();
  const found = (await Promise.all(kinds.map(identity => labelled(identity, run, store)))).flat();
  for (const [, group] of Map.groupBy(found, ({ entry }) => entry.namespace)) {
    await commit(await Promise.all(group.map(one => removal(one, run))), run);
  }
  const namespaces = await labelled('namespace', run, store);
  const depth = ({ target }: Labelled) => lineage(target.namespace).length;
  for (const one of namespaces.sort((a, b) => depth(b) - depth(a))) await removeNamespace(one, run);
}

import type { KnownEnd } from '../shared/core/dependency-map/nodes.ts';
import type { EndTally } from '../shared/core/dependency-map/tally.ts';
import { grants } from '../shared/core/roles.ts';
import { isWithin, lineage, type NamespacePath, ObjectId, ROOT, tenantOf } from '../shared/schema/ids.ts';
import type { ProcessingUnit } from '../shared/schema/processingunit.ts';
import type { Call } from './call.ts';
import type { Deps } from './deps.ts';
import { heldIn, maySee } from './held.ts';
import { shownWithin } from './hidden.ts';
import { readingOnce } from './reading-once.ts';

/** Namespaces elsewhere in which the caller's rights are looked up; units of further ones are told as records have them. */
const MOST_ELSEWHERE = 100;

/** Namespaces in which one unit is looked for: it may have moved, but who reports may also say anything. */
const MOST_PLACES = 8;

type Found = readonly [ID: string, end: KnownEnd];

/**
 * Of these namespaces, those whose processing units the caller may read. What is held in the request's own is held below
 * it; elsewhere it is looked up, in the same tenant alone, so that nobody has the authorizations of another one read.
 */
async function readable(
  namespaces: Iterable<NamespacePath>,
  call: Call,
  deps: Pick<Deps, 'store' | 'clock'>,
): Promise<Set<NamespacePath>> {
  const all = [...new Set(namespaces)];
  const inside = all.filter(path => isWithin(path, call.namespace));
  const outside = all.filter(
    path => !isWithin(path, call.namespace) && tenantOf(path) === tenantOf(call.namespace),
  );
  const once = { store: readingOnce(deps.store), clock: deps.clock };
  const asked = outside.sort().slice(0, MOST_ELSEWHERE);
  const may = await Promise.all(
    asked.map(async path =>
      (await heldIn(path, call, once)).some(held => grants(held, 'processingunit', 'get')),
    ),
  );
  const here = maySee('processingunit', call) ? inside : [];
  return new Set([...here, ...asked.filter((_, at) => may[at])]);
}

const knownUnit = ({ name, namespace, normalizedTags, ...unit }: ProcessingUnit): KnownEnd => {
  const { operationalStatus, enforcementStatus, unreachable } = unit;
  return {
    name,
    namespace,
    tags: normalizedTags,
    state: { operationalStatus, enforcementStatus, unreachable },
  };
};

/** Units where records say that they live; one that has moved since is told as the records have it. */
async function unitsOf(
  ends: readonly EndTally[],
  call: Call,
  deps: Pick<Deps, 'store' | 'clock'>,
): Promise<ProcessingUnit[]> {
  const units = ends
    .filter(({ type }) => type === 'ProcessingUnit')
    .map(({ ID, namespaces }) => ({ ID, namespaces: [...namespaces].sort().slice(0, MOST_PLACES) }));
  const [may, found] = await Promise.all([
    readable(
      units.flatMap(({ namespaces }) => namespaces),
      call,
      deps,
    ),
    Promise.all(
      units.flatMap(({ ID, namespaces }) => {
        const id = ObjectId.safeParse(ID).data;
        return id === undefined
          ? []
          : namespaces.map(namespace => deps.store.get({ resource: 'processingunit', namespace, id }));
      }),
    ),
  ]);
  return found.filter(unit => unit !== undefined).filter(({ namespace }) => may.has(namespace));
}

/**
 * Networks that the caller may read: those of its namespace and below, and those above that propagate, as lists show
 * them. Found by ID in an index, which may lag by moments; those of the root by key.
 */
async function networksOf(ends: readonly EndTally[], call: Call, { store }: Pick<Deps, 'store'>) {
  if (!maySee('externalnetwork', call)) return [];
  const ids = ends.flatMap(({ ID, type }) =>
    type === 'ExternalNetwork' ? (ObjectId.safeParse(ID).data ?? []) : [],
  );
  const found = await Promise.all(
    ids.flatMap(id => [
      store.findBy('externalnetwork', tenantOf(call.namespace), 'ID', id),
      store.get({ resource: 'externalnetwork', namespace: ROOT, id }).then(one => (one ? [one] : [])),
    ]),
  );
  const above = new Set(lineage(call.namespace).slice(0, -1));
  return found
    .flat()
    .filter(({ namespace, propagate }) =>
      isWithin(namespace, call.namespace) ? true : propagate && above.has(namespace),
    );
}

/** What the caller may know of the ends, by ID. One parallel batch of reads. */
export async function knownEnds(
  ends: readonly EndTally[],
  call: Call,
  deps: Pick<Deps, 'store' | 'clock'>,
): Promise<Map<string, KnownEnd>> {
  const [units, networks, isShown] = await Promise.all([
    unitsOf(ends, call, deps),
    networksOf(ends, call, deps),
    shownWithin(deps.store, tenantOf(call.namespace)),
  ]);
  return new Map([
    ...units.filter(isShown).map((unit): Found => [unit.ID, knownUnit(unit)]),
    ...networks
      .filter(isShown)
      .map(({ ID, name, namespace, normalizedTags: tags }): Found => [ID, { name, namespace, tags }]),
  ]);
}

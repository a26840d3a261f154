import type { ObjectStore, Stored, Write } from '../../shared/ports/object-store.ts';
import { LIMITS } from '../../shared/schema/config.ts';
import { childPath, type NamespacePath, type ObjectId } from '../../shared/schema/ids.ts';
import { create, freshTenant, makeEnforcer, makeNamespace, makeNetwork, makeUnit } from './objects.ts';

/** Namespaces that share the half of a crowd which does not live in the first one. */
const OTHERS = 10;
const QUEUED = 20;

/** A tenant full of external networks. */
export interface Crowd {
  tenant: NamespacePath;
  /** Holds half of them. */
  home: NamespacePath;
  /** One from the middle of `home`. */
  middle: ObjectId;
}

/** A tenant without anything in it. */
export async function emptyTenant(store: ObjectStore): Promise<NamespacePath> {
  const tenant = freshTenant();
  await store.commit([create('namespace', makeNamespace(tenant))]);
  return tenant;
}

/** Creates a tenant with so many external networks through the store's own commits. */
export async function crowd(store: ObjectStore, tenant: NamespacePath, size: number): Promise<Crowd> {
  const home = childPath(tenant, 'home');
  const others = Array.from({ length: OTHERS }, (_, at) => childPath(tenant, `other-${at}`));
  for (const path of [tenant, home, ...others])
    await store.commit([create('namespace', makeNamespace(path))]);
  let middle: ObjectId | undefined;
  let commits: Promise<void>[] = [];
  for (let from = 0; from < size; from += LIMITS.transaction / 2) {
    const count = Math.min(LIMITS.transaction / 2, size - from);
    const networks = Array.from({ length: count }, (_, n) => {
      const at = from + n;
      return makeNetwork(at % 2 === 0 ? home : (others[at % OTHERS] ?? home), `network-${at}`);
    });
    const [first] = networks;
    if (first && !middle && from >= size / 2) middle = first.ID;
    commits.push(store.commit(networks.map(network => create('externalnetwork', network))));
    if (commits.length >= QUEUED) {
      await Promise.all(commits);
      commits = [];
    }
  }
  await Promise.all(commits);
  if (!middle) throw new Error('a crowd has at least two');
  return { tenant, home, middle };
}

/** Processing units of one host. */
export const OF_A_HOST = 10;

/**
 * Fills a namespace, and one below it that it makes, with so many processing units and the enforcers that they belong to. Gives the
 * enforcer of some of them.
 */
export async function unitCrowd(
  store: ObjectStore,
  home: NamespacePath,
  size: number,
): Promise<Stored<'enforcer'>> {
  const below = childPath(home, 'web');
  await store.commit([create('namespace', makeNamespace(below))]);
  const enforcers = Array.from({ length: size / OF_A_HOST }, (_, at) =>
    makeEnforcer(home, `host-${at}`, `machine-${at}`),
  );
  const unit = makeUnit(home, 'unit', []);
  const unitAt = (at: number): Write => {
    const enforcerID = enforcers[at % enforcers.length]?.ID ?? '';
    const ID = (at + 1).toString(16).padStart(24, '0') as ObjectId;
    const namespace = at % 2 === 0 ? home : below;
    return create('processingunit', { ...unit, ID, namespace, enforcerID, clientLocalID: `unit-${at}` });
  };
  const writes = [
    ...enforcers.map(enforcer => create('enforcer', enforcer)),
    ...Array.from({ length: size }, (_, at) => unitAt(at)),
  ];
  // Each is an object and the pointer of its look-up.
  const together = LIMITS.transaction / 2;
  for (let from = 0; from < writes.length; from += together * QUEUED) {
    const starts = Array.from({ length: QUEUED }, (_, at) => from + at * together);
    await Promise.all(starts.map(start => store.commit(writes.slice(start, start + together))));
  }
  const some = enforcers[Math.floor(enforcers.length / 2)];
  if (!some) throw new Error(`a crowd has at least ${OF_A_HOST}`);
  return some;
}

/** What a store was asked, and what it gave. */
export interface Reads {
  calls: number;
  objects: number;
}

/** How many objects an answer of the store holds. */
const sizeOf = (answer: unknown): number => {
  if (Array.isArray(answer)) return answer.length;
  if (answer === null || typeof answer !== 'object') return 0;
  return 'items' in answer && Array.isArray(answer.items) ? answer.items.length : 1;
};

/** The same store, which counts what is read from it. */
export const countingReads = (store: ObjectStore, reads: Reads): ObjectStore =>
  new Proxy(store, {
    get: (target, name) => {
      const member: unknown = Reflect.get(target, name);
      if (typeof member !== 'function') return member;
      return async (...args: unknown[]): Promise<unknown> => {
        reads.calls += 1;
        const answer: unknown = await Reflect.apply(member, target, args);
        reads.objects += sizeOf(answer);
        return answer;
      };
    },
  });

/** Pages of at most 100 whose cost must not depend on the size of the tenant: what they are, where, and their query. */
export const pagesOfCrowd = ({ tenant, home, middle }: Crowd): [string, NamespacePath, string][] => {
  const behind = (place: unknown[]): string =>
    `limit=100&after=${Buffer.from(JSON.stringify(place)).toString('base64url')}`;
  return [
    ['first page of a namespace', home, 'limit=100'],
    ['page from the middle of a namespace', home, behind([middle])],
    ['first page of the tree', tenant, 'recursive&limit=100'],
    ['page from the middle of the tree', tenant, `recursive&${behind([home, middle])}`],
    ['page by ID', home, `limit=100&q=${encodeURIComponent(`ID == "${middle}"`)}`],
    ['page by ID in the tree', tenant, `recursive&limit=100&q=${encodeURIComponent(`ID == "${middle}"`)}`],
    ['numbered page by ID', home, `page=1&pagesize=100&q=${encodeURIComponent(`ID == "${middle}"`)}`],
    ['page in the order of creation', home, 'limit=100&order=createTime'],
  ];
};

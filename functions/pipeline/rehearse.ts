import type { BundleCredentials } from '../../shared/ports/bundle-access.ts';
import type { ObjectStore, Stored, Write } from '../../shared/ports/object-store.ts';
import { fail } from '../../shared/schema/failure.ts';
import { type NamespacePath, parentPath } from '../../shared/schema/ids.ts';
import type { Namespace } from '../../shared/schema/namespace.ts';
import { type Identity, resourceOf } from '../../shared/schema/resources.ts';
import type { Deps } from '../deps.ts';

/** What every answer to a dry run says. */
export const NOTHING_CHANGED = 'this was a dry run: nothing was changed';

/** DER of r = 0 and s = 0: as long as a signature is in a token, and good for nothing (FIPS 186-5, 6.4.2). */
const NO_SIGNATURE = Buffer.from('3006020100020100', 'hex');

/** The name under which an object is found again: its unique attribute's value. */
const nameOf = (resource: Identity, object: Stored): string | undefined => {
  const { unique } = resourceOf(resource);
  return unique === undefined ? undefined : `${resource} ${object.namespace} ${Reflect.get(object, unique)}`;
};

/** A namespace that takes objects again. */
const isOpen = (resource: Identity, object: Stored): object is Namespace & { name: NamespacePath } =>
  resource === 'namespace' && !('deletion' in object);

/**
 * A store that checks what it is given to write and keeps it for itself: what was "written" can be read by key, and what
 * was "created" by name, so that an import may put objects into a namespace that it brings along.
 */
function rehearsal(store: ObjectStore): ObjectStore {
  const written = new Map<string, Stored>();
  const byName = new Map<string, Stored>();
  const opened = new Set<NamespacePath>();

  /** Steps about what was written here need no check: the store knows nothing of it. */
  const isKnown = (write: Write): boolean =>
    write.kind === 'require'
      ? opened.has(write.namespace) ||
        byName.has(`namespace ${parentPath(write.namespace)} ${write.namespace}`)
      : (write.kind === 'update' || write.kind === 'refresh' || write.kind === 'delete') &&
        written.has(write.object.ID);

  const keep = (write: Write): void => {
    if (write.kind !== 'create' && write.kind !== 'update') return;
    const { kind, resource, object } = write;
    written.set(object.ID, object);
    if (kind === 'update') {
      if (isOpen(resource, object)) opened.add(object.name);
      return;
    }
    const name = nameOf(resource, object);
    if (name !== undefined && byName.has(name)) {
      throw fail(
        'duplicate',
        `there is already a ${resource} with this name in ${object.namespace}; choose another`,
      );
    }
    if (name !== undefined) byName.set(name, object);
  };

  return {
    ...store,
    get: async key => (written.get(key.id) as Stored<typeof key.resource> | undefined) ?? store.get(key),
    getByName: async <I extends Identity>(
      resource: I,
      namespace: Parameters<ObjectStore['list']>[1],
      name: string,
    ) =>
      (byName.get(`${resource} ${namespace} ${name}`) as Stored<I> | undefined) ??
      store.getByName(resource, namespace, name),
    commit: async writes => {
      await store.check(writes.filter(write => !isKnown(write)));
      for (const write of writes) keep(write);
    },
    once: async (tenant, key) => !(await store.wasUsed(tenant, key)),
    take: async (tenant, key, limit) => {
      const use = (await store.uses(tenant, key)) + 1;
      return use > limit ? undefined : use;
    },
  };
}

const nothingGranted = ({ clock }: Deps): BundleCredentials => ({
  url: '',
  accessKeyID: '',
  secretAccessKey: '',
  sessionToken: '',
  expiration: clock.now().toISOString(),
});

/** The same world for one request, in which nothing is written, started, published or given out. */
export const rehearsing = (deps: Deps): Deps => ({
  ...deps,
  store: rehearsal(deps.store),
  bus: { publish: async () => {} },
  uploads: {
    place: async () => ({ url: '', method: 'PUT', headers: {}, expiration: deps.clock.now().toISOString() }),
  },
  flows: { ...deps.flows, append: async () => {} },
  workflows: { ...deps.workflows, start: async () => ({ started: false }) },
  bundleAccess: { ...deps.bundleAccess, grant: async () => nothingGranted(deps) },
  tokenKeys: {
    ...deps.tokenKeys,
    signs: { publicKey: () => deps.tokenKeys.signs.publicKey(), sign: async () => NO_SIGNATURE },
  },
});

import type { ObjectStore, Stored, Write } from '../../shared/ports/object-store.ts';
import { fail } from '../../shared/schema/failure.ts';
import { parentPath } from '../../shared/schema/ids.ts';
import { type Identity, resourceOf } from '../../shared/schema/resources.ts';
import type { Deps } from '../deps.ts';

/** What every answer to a dry run says. */
export const NOTHING_CHANGED = 'this was a dry run: nothing was changed';

const refused = async (): Promise<never> => {
  throw fail(
    'bad_request',
    'this operation gives something out once, so there is no dry run of it; leave out dryRun',
  );
};

/** The name under which an object is found again: its unique attribute's value. */
const nameOf = (resource: Identity, object: Stored): string | undefined => {
  const { unique } = resourceOf(resource);
  return unique === undefined ? undefined : `${resource} ${object.namespace} ${Reflect.get(object, unique)}`;
};

/**
 * A store that checks what it is given to write and keeps it for itself: what was "written" can be read by key, and what
 * was "created" by name, so that an import may put objects into a namespace that it brings along.
 */
function rehearsal(store: ObjectStore): ObjectStore {
  const written = new Map<string, Stored>();
  const byName = new Map<string, Stored>();

  /** Steps about what was written here need no check: the store knows nothing of it. */
  const isKnown = (write: Write): boolean =>
    write.kind === 'require'
      ? byName.has(`namespace ${parentPath(write.namespace)} ${write.namespace}`)
      : (write.kind === 'update' || write.kind === 'refresh' || write.kind === 'delete') &&
        written.has(write.object.ID);

  const keep = (write: Write): void => {
    if (write.kind !== 'create' && write.kind !== 'update') return;
    const { kind, resource, object } = write;
    written.set(object.ID, object);
    if (kind === 'update') return;
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
    once: refused,
    take: refused,
  };
}

/** The same world for one request, in which nothing is written, started, published or given out. */
export const rehearsing = (deps: Deps): Deps => ({
  ...deps,
  store: rehearsal(deps.store),
  bus: { publish: async () => {} },
  uploads: { place: refused },
  flows: { ...deps.flows, append: async () => {} },
  workflows: { ...deps.workflows, start: async () => ({ started: false }) },
  bundleAccess: { ...deps.bundleAccess, grant: refused },
  tokenKeys: { ...deps.tokenKeys, signs: { ...deps.tokenKeys.signs, sign: refused } },
});

import { type Failure, fail } from '../../shared/schema/failure.ts';
import { NamespacePath } from '../../shared/schema/ids.ts';
import type { Namespace } from '../../shared/schema/namespace.ts';
import { type Identity, identities, resourceOf } from '../../shared/schema/resources.ts';
import { activity } from '../activity.ts';
import type { Call, Handler } from '../call.ts';
import { close, marked, reopen } from '../closing.ts';
import type { Deps } from '../deps.ts';

const isSet = (call: Call, name: string): boolean =>
  call.query[name] !== undefined && !call.query[name].includes('false');

function targetOf(call: Call): Namespace {
  if (call.target) return call.target as Namespace;
  throw fail('not_found', `no namespace with the ID \`${call.params.id}\` in ${call.namespace}`);
}

/** Most objects that a refusal names. */
const NAMED = 10;

/** Protected objects in the namespace and below, each as `externalnetwork <ID> in <namespace>`. */
async function protectedWithin(path: NamespacePath, { store }: Pick<Deps, 'store'>): Promise<string[]> {
  const walk = async (identity: Identity): Promise<string[]> => {
    const found: string[] = [];
    let after: string | undefined;
    do {
      const page = await store.listTree(identity, path, {
        limit: 1000,
        ...(after === undefined ? {} : { after }),
      });
      for (const object of page.items) {
        if ('protected' in object && object.protected) {
          found.push(`${identity} ${object.ID} in ${object.namespace}`);
        }
      }
      after = page.next;
    } while (after !== undefined && found.length < NAMED);
    return found;
  };
  return (await Promise.all(identities.map(walk))).flat().sort();
}

/** What the namespace holds in itself, each kind by how many. */
async function contents(path: NamespacePath, { store }: Pick<Deps, 'store'>): Promise<string[]> {
  const pages = await Promise.all(
    identities.map(async identity => {
      const page = await store.list(identity, path, { limit: 100 });
      const more = page.next === undefined ? '' : ' or more';
      return page.items.length === 0 ? [] : [`${page.items.length}${more} ${resourceOf(identity).plural}`];
    }),
  );
  return pages.flat();
}

/** Why the namespace may not go; undefined when it may. Asked while nothing can be created in it. */
async function obstacle(object: Namespace, call: Call, deps: Deps): Promise<Failure | undefined> {
  const path = NamespacePath.parse(object.name);
  if (!isSet(call, 'recursive')) {
    const held = await contents(path, deps);
    if (held.length === 0) return undefined;
    return fail(
      'conflict',
      `namespace ${path} is not empty: it holds ${held.join(', ')}; delete them first, or add recursive=true`,
    );
  }
  if (call.query.override !== undefined) return undefined;
  const held = await protectedWithin(path, deps);
  if (held.length === 0) return undefined;
  const more = held.length > NAMED ? ' and others' : '';
  return fail(
    'locked',
    `namespace ${path} holds protected objects: ${held.slice(0, NAMED).join(', ')}${more}; set protected to false first, or add override=true`,
  );
}

function refuseProtected(object: Namespace, call: Call): void {
  if (!object.protected || call.query.override !== undefined) return;
  throw fail(
    'locked',
    `namespace ${object.ID} is protected; set protected to false first, or add override=true`,
  );
}

/**
 * Deletes an empty namespace, or with `recursive=true` hides the namespace and everything below it, which a workflow
 * then removes; the change feed starts it. The namespace is closed before its contents are looked at, so that nothing
 * can land in it between the look and the deletion. With `dryRun` it is only looked at.
 */
export const deleteNamespace: Handler = async (call, deps) => {
  const object = targetOf(call);
  refuseProtected(object, call);
  const { deletion: _, ...before } = object;
  const dry = call.dryRun;
  const closed = dry ? object : await close(object, deps);
  const refusal = await obstacle(object, call, deps);
  if (dry && !refusal) return { body: before };
  if (refusal) {
    if (!dry) await reopen(closed, object, deps);
    throw refusal;
  }
  const entry = activity('namespace', 'delete', call, deps, { before });
  await deps.store.commit([
    isSet(call, 'recursive')
      ? {
          kind: 'update',
          resource: 'namespace',
          object: marked(closed, 'Purging', deps),
          seen: closed.updateTime,
        }
      : { kind: 'delete', resource: 'namespace', object: closed, seen: closed.updateTime },
    entry,
  ]);
  return { body: before };
};

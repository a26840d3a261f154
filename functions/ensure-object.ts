import { createHash } from 'node:crypto';
import { newObject, newObjectId } from '../shared/core/object.ts';
import type { Activity, Write } from '../shared/ports/object-store.ts';
import { Failure, type FailureKind, fail } from '../shared/schema/failure.ts';
import { type NamespacePath, ObjectId, parentPath } from '../shared/schema/ids.ts';
import type { Namespace } from '../shared/schema/namespace.ts';
import type { Identity, InputOf, ObjectOf } from '../shared/schema/resources.ts';
import type { Deps } from './deps.ts';

type StoreAndClock = Pick<Deps, 'store' | 'clock'>;

/** Claims of what the onboarding workflow does, as the activity log shows them. */
const SYSTEM_CLAIMS = ['@auth:realm=system', '@auth:subject=onboard-account'] as const;

/**
 * Creates an object once, whoever else tries at the same moment, and returns the one that is there.
 *
 * Most resources have no unique attribute that the store could guard. Here the ID does it: it follows from the
 * identity, the namespace and the name, so that every attempt makes the same ID and all but the first meet it. Its
 * first half is the namespace's own, so that IDs stay in order of time, and a namespace that was deleted and made
 * again starts afresh.
 */
export async function ensureObject<I extends Identity>(
  identity: I,
  namespace: NamespacePath,
  input: InputOf<I> & { name: string },
  execution: string,
  deps: StoreAndClock,
): Promise<ObjectOf<I>> {
  const id = idOf(await existing(namespace, deps), identity, input.name);
  const reread = () => deps.store.get({ resource: identity, namespace, id });
  const object = newObject(identity, input, { id, namespace, now: deps.clock.now() });
  return (await reread()) ?? createOrReread(identity, object, 'conflict', reread, execution, deps);
}

/** Creates an object unless another attempt was first, which the store says with `taken`; then rereads that one. */
export async function createOrReread<I extends Identity>(
  identity: I,
  object: ObjectOf<I>,
  taken: FailureKind,
  reread: () => Promise<ObjectOf<I> | undefined>,
  execution: string,
  deps: StoreAndClock,
): Promise<ObjectOf<I>> {
  try {
    await deps.store.commit([
      { kind: 'require', namespace: object.namespace },
      { kind: 'create', resource: identity, object },
      systemActivity(identity, 'create', execution, deps, { after: object }),
    ]);
    return object;
  } catch (error) {
    if (!(error instanceof Failure && error.kind === taken)) throw error;
    const first = await reread();
    if (first) return first;
    throw error;
  }
}

/** The entry of the activity log for a write of the onboarding workflow. */
export function systemActivity<I extends Identity>(
  identity: I,
  operation: Activity['operation'],
  execution: string,
  deps: Pick<Deps, 'clock'>,
  objects: { before?: ObjectOf<I>; after: ObjectOf<I> },
): Write {
  const now = deps.clock.now();
  return {
    kind: 'activity',
    activity: {
      id: newObjectId(now, size => deps.clock.randomBytes(size)),
      namespace: objects.after.namespace,
      date: now.toISOString(),
      operation,
      targetIdentity: identity,
      targetID: objects.after.ID,
      claims: SYSTEM_CLAIMS,
      requestID: execution,
      ...objects,
    },
  };
}

async function existing(path: NamespacePath, deps: Pick<Deps, 'store'>): Promise<Namespace> {
  const namespace = await deps.store.getByName('namespace', parentPath(path), path);
  if (namespace) return namespace;
  throw fail('not_found', `no namespace \`${path}\`; it was deleted while the account was being onboarded`);
}

/** An ID that follows from what it names, in the order of time of its namespace. */
export const idOf = (
  namespace: Pick<Namespace, 'ID' | 'name'>,
  identity: Identity,
  name: string,
): ObjectId => {
  const digest = createHash('sha256')
    .update(JSON.stringify([identity, namespace.name, name]))
    .digest('hex');
  return ObjectId.parse(namespace.ID.slice(0, 12) + digest.slice(0, 12));
};

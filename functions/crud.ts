import { type CrudAction, type CrudOperation, crudOperation } from '../shared/api/routes.ts';
import { isSameTime } from '../shared/core/as-meant.ts';
import { newObject, newObjectId, touch } from '../shared/core/object.ts';
import { fail } from '../shared/schema/failure.ts';
import { lineage, ObjectId } from '../shared/schema/ids.ts';
import { type Identity, type InputOf, type ObjectOf, resourceOf } from '../shared/schema/resources.ts';
import { activity, shown } from './activity.ts';
import type { Call, Handler, Reply } from './call.ts';
import type { Deps } from './deps.ts';
import { isInherited, propagates } from './inheritance.ts';
import { asFields, type Fields, inputOfCreate, inputOfUpdate } from './input.ts';
import { count, list } from './list.ts';
import { answerStep } from './pipeline/idempotency.ts';
import { brokenRules } from './pipeline/problem.ts';

/** What a noun adds to CRUD. Each may throw; none writes. */
export interface Hooks<I extends Identity> {
  /** Checks an input in its namespace before it is created or replaces another. */
  check?: (input: InputOf<I>, call: Call, deps: Deps) => Promise<void> | void;
  /** Fills in what only the server knows, in the object that is about to be stored. */
  complete?: (object: ObjectOf<I>, call: Call, deps: Deps) => Promise<void> | void;
  /** The same for an update, which replaces `stored`. */
  renew?: (object: ObjectOf<I>, stored: ObjectOf<I>, call: Call, deps: Deps) => Promise<void> | void;
  /** What the caller should know about an object that is about to be stored. */
  warn?: (object: ObjectOf<I>, call: Call, deps: Deps) => Promise<readonly string[]> | readonly string[];
}

/** Organizational metadata that objects created in the namespace take over: its own and its ancestors'. */
const organizationOf = (call: Call) => call.lineage.flatMap(namespace => namespace.organizationalMetadata);

/** Makes the stored object of a create; nothing is written yet. */
export async function prepare<I extends Identity>(
  identity: I,
  fields: Fields,
  call: Call,
  deps: Deps,
  hooks: Hooks<I> = {},
): Promise<ObjectOf<I>> {
  const input = inputOfCreate(identity, fields);
  await hooks.check?.(input, call, deps);
  const now = deps.clock.now();
  const object = newObject(identity, input, {
    id: newObjectId(now, size => deps.clock.randomBytes(size)),
    namespace: call.namespace,
    now,
    organization: organizationOf(call),
  });
  await hooks.complete?.(object, call, deps);
  return object;
}

/** Object, guard, activity and answer in one transaction; fails when the namespace is gone meanwhile. */
export async function insert<I extends Identity>(
  identity: I,
  object: ObjectOf<I>,
  call: Call,
  deps: Deps,
  messages: readonly string[] = [],
): Promise<Reply> {
  await deps.store.commit([
    ...answerStep(call, { body: shown(identity, object), messages }, deps),
    { kind: 'require', namespace: call.namespace },
    { kind: 'create', resource: identity, object: shown(identity, object) },
    activity(identity, 'create', call, deps, { after: object }),
  ]);
  return { body: object, messages };
}

function target<I extends Identity>(identity: I, call: Call): ObjectOf<I> {
  if (!call.target) {
    throw fail('not_found', `no ${identity} with the ID \`${call.params.id}\` in ${call.namespace}`);
  }
  return call.target as ObjectOf<I>;
}

const isProtected = (object: object): boolean => 'protected' in object && object.protected === true;

/** With `propagated`, what an ancestor's object of this ID means here. */
async function inherited<I extends Identity>(
  identity: I,
  { namespace, params, query }: Call,
  { store }: Pick<Deps, 'store'>,
): Promise<ObjectOf<I> | undefined> {
  const id = ObjectId.safeParse(params.id);
  if (query.propagated === undefined || !id.success || !propagates(identity)) return undefined;
  const ancestors = lineage(namespace).slice(0, -1);
  const found = await Promise.all(
    ancestors.map(path => store.get({ resource: identity, namespace: path, id: id.data })),
  );
  return found.find(object => object !== undefined && isInherited(object, namespace));
}

/** @throws `locked` for a protected object, unless `override` is set */
export const refuseProtected = (identity: Identity, object: { ID: string }, call: Call): void => {
  if (isProtected(object) && call.query.override === undefined) {
    throw fail(
      'locked',
      `${identity} ${object.ID} is protected; set protected to false first, or add override=true`,
    );
  }
};

async function update<I extends Identity>(
  identity: I,
  call: Call,
  deps: Deps,
  hooks: Hooks<I>,
  sparse: boolean,
): Promise<Reply> {
  const stored = target(identity, call);
  const sent = asFields(call.body);
  const seen = sent.updateTime;
  if (seen === undefined && !sparse) {
    throw brokenRules([
      { path: ['updateTime'], message: 'it is required; send the updateTime that you read' },
    ]);
  }
  if (seen !== undefined && !isSameTime(seen, stored.updateTime)) {
    throw fail(
      'conflict',
      `${identity} ${stored.ID} was changed at ${stored.updateTime}, after the version of ${String(seen)} that you read; read it again`,
      { attribute: 'updateTime', value: seen },
    );
  }
  const input = inputOfUpdate(identity, stored, sent, sparse);
  if (isProtected(input)) refuseProtected(identity, stored, call);
  await hooks.check?.(input, call, deps);
  const { writable } = resourceOf(identity);
  const lasting = Object.fromEntries(Object.entries(stored).filter(([key]) => !Object.hasOwn(writable, key)));
  const object = touch(identity, { ...lasting, ...input } as ObjectOf<I>, deps.clock.now());
  await hooks.renew?.(object, stored, call, deps);
  await deps.store.commit([
    {
      kind: 'update',
      resource: identity,
      object: shown(identity, object),
      seen: stored.updateTime,
      before: stored,
    },
    activity(identity, 'update', call, deps, { before: stored, after: object }),
  ]);
  return { body: shown(identity, object), messages: (await hooks.warn?.(object, call, deps)) ?? [] };
}

/** The seven operations of a resource, written once. */
export function crud<I extends Identity>(
  identity: I,
  hooks: Hooks<I> = {},
): { [A in CrudAction as `${A}${Capitalize<I>}`]: Handler } {
  const handlers: Record<CrudAction, Handler> = {
    create: async (call, deps) => {
      const object = await prepare(identity, asFields(call.body), call, deps, hooks);
      return insert(identity, object, call, deps, await hooks.warn?.(object, call, deps));
    },
    list: (call, deps) => list(identity, call, deps),
    count: (call, deps) => count(identity, call, deps),
    get: async (call, deps) => {
      const found = call.target ? undefined : await inherited(identity, call, deps);
      return { body: shown(identity, found ?? target(identity, call)) };
    },
    update: (call, deps) => update(identity, call, deps, hooks, false),
    patch: (call, deps) => update(identity, call, deps, hooks, true),
    delete: async (call, deps) => {
      const object = target(identity, call);
      refuseProtected(identity, object, call);
      await deps.store.commit([
        { kind: 'delete', resource: identity, object, seen: object.updateTime },
        activity(identity, 'delete', call, deps, { before: object }),
      ]);
      return { body: shown(identity, object) };
    },
  };
  const named = Object.entries(handlers).map(([action, handler]): [CrudOperation, Handler] => [
    crudOperation(action as CrudAction, identity),
    handler,
  ]);
  return Object.fromEntries(named) as { [A in CrudAction as `${A}${Capitalize<I>}`]: Handler };
}

import { type CrudAction, type CrudOperation, crudOperation } from '../shared/api/routes.ts';
import { asMeant, isSameTime } from '../shared/core/as-meant.ts';
import { newObject, newObjectId, touch } from '../shared/core/object.ts';
import type { Activity } from '../shared/ports/object-store.ts';
import { LIMITS } from '../shared/schema/config.ts';
import { fail } from '../shared/schema/failure.ts';
import { lineage, type NamespacePath, ObjectId } from '../shared/schema/ids.ts';
import type { AnyResource } from '../shared/schema/resource.ts';
import { type Identity, type InputOf, type ObjectOf, resourceOf } from '../shared/schema/resources.ts';
import type { Call, Handler, Reply } from './call.ts';
import type { Deps } from './deps.ts';
import { count, isInherited, list, propagates } from './list.ts';
import { answerStep } from './pipeline/idempotency.ts';
import { brokenRules, parsed } from './pipeline/problem.ts';

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

type Fields = Record<string, unknown>;

/** No object with a longer list fits into an item of the store; each element that is wrong is work. */
const LONGEST_LIST = LIMITS.item / 8;

function refuseLongLists(fields: Fields): void {
  const long = Object.entries(fields).filter(
    ([, value]) => Array.isArray(value) && value.length > LONGEST_LIST,
  );
  if (long.length === 0) return;
  throw brokenRules(
    long.map(([key, value]) => ({
      path: [key],
      message: `it has ${(value as unknown[]).length} elements; ${LONGEST_LIST} are possible, so split it`,
    })),
  );
}

export const asFields = (body: unknown): Fields => {
  if (body === null || typeof body !== 'object' || Array.isArray(body)) {
    throw fail('invalid', 'the body must be one JSON object');
  }
  refuseLongLists(body as Fields);
  return body as Fields;
};

const isEmpty = (value: unknown): boolean =>
  value === null ||
  value === '' ||
  value === false ||
  value === 0 ||
  (typeof value === 'object' && Object.keys(value).length === 0);

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b) || isSameTime(a, b);

/** What was sent, with every attribute read as what it is. */
const meantBy = (identity: Identity, sent: Fields): Fields =>
  asFields(asMeant(resourceOf(identity).stored, sent));

/**
 * Leaves out what the server alone writes; it may be sent back as it was read (`stored`), or empty.
 * An update has looked at `updateTime` by itself.
 */
function withoutReadOnly(identity: Identity, sent: Fields, stored?: Fields): Fields {
  const { readOnly } = resourceOf(identity);
  const wrong = Object.keys(sent).filter(
    key =>
      Object.hasOwn(readOnly, key) &&
      !(stored && key === 'updateTime') &&
      !isEmpty(sent[key]) &&
      !(stored && (same(sent[key], stored[key]) || isSameTime(sent[key], stored[key]))),
  );
  if (wrong.length > 0) {
    throw brokenRules(
      wrong.map(key => ({ path: [key], input: sent[key], message: 'it is read-only; leave it out' })),
    );
  }
  return Object.fromEntries(Object.entries(sent).filter(([key]) => !Object.hasOwn(readOnly, key)));
}

/** Leaves out what only older releases had, where it says nothing; else tells what to write instead. */
function withoutOlder({ older }: AnyResource, fields: Fields): Fields {
  if (!older) return fields;
  const { says = value => !isEmpty(value) } = older;
  const said = older.attributes.filter(name => Object.hasOwn(fields, name) && says(fields[name]));
  if (said.length > 0) {
    const message = older.instead(fields);
    throw brokenRules(said.map(name => ({ path: [name], input: fields[name], message })));
  }
  return Object.fromEntries(Object.entries(fields).filter(([name]) => !older.attributes.includes(name)));
}

/** What was sent, as an input of the resource says it. */
export const readAs = (identity: Identity, sent: Fields): Fields =>
  withoutOlder(resourceOf(identity), meantBy(identity, sent));

export function parseInput<I extends Identity>(identity: I, fields: Fields): InputOf<I> {
  const resource = resourceOf(identity);
  const input = parsed(resource.input, withoutOlder(resource, fields)) as InputOf<I>;
  const issues = resource.rules?.(input) ?? [];
  if (issues.length > 0) throw brokenRules(issues);
  return input;
}

/** The object as it may be shown and logged. */
export function shown<I extends Identity>(identity: I, object: ObjectOf<I>): ObjectOf<I> {
  const secrets = resourceOf(identity).secrets ?? [];
  if (secrets.length === 0) return object;
  return Object.fromEntries(Object.entries(object).filter(([key]) => !secrets.includes(key))) as ObjectOf<I>;
}

export const activity = <I extends Identity>(
  identity: I,
  operation: Activity['operation'],
  call: Call,
  deps: Pick<Deps, 'clock'>,
  objects: { before?: ObjectOf<I>; after?: ObjectOf<I> },
): { kind: 'activity'; activity: Activity } => {
  const target = objects.after ?? objects.before;
  if (!target) throw new Error('an activity is about an object');
  const now = deps.clock.now();
  return {
    kind: 'activity',
    activity: {
      id: newObjectId(now, size => deps.clock.randomBytes(size)),
      namespace: call.namespace,
      date: now.toISOString(),
      operation,
      targetIdentity: identity,
      targetID: target.ID,
      claims: call.caller.claims,
      source: call.caller.address,
      requestID: call.requestID,
      ...(objects.before ? { before: shown(identity, objects.before) } : {}),
      ...(objects.after ? { after: shown(identity, objects.after) } : {}),
    },
  };
};

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
  const input = parseInput(identity, withoutReadOnly(identity, meantBy(identity, fields)));
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

/**
 * The new version of an object: what was sent over what is stored, checked like a create. In a sparse one `null` means the
 * default, as in JSON Merge Patch (RFC 7396).
 */
function merged<I extends Identity>(
  identity: I,
  stored: ObjectOf<I>,
  sent: Fields,
  sparse: boolean,
): InputOf<I> {
  const { createOnly, writable, imported } = resourceOf(identity);
  const fields = withoutReadOnly(identity, meantBy(identity, sent), stored as Fields);
  const fixed = Object.keys(createOnly).filter(
    key => Object.hasOwn(fields, key) && !same(fields[key], Reflect.get(stored, key)),
  );
  if (fixed.length > 0) {
    throw brokenRules(
      fixed.map(key => ({
        path: [key],
        input: fields[key],
        message: 'it is set at creation and never changes',
      })),
    );
  }
  const kept = Object.fromEntries(
    Object.entries(stored).filter(
      ([key]) => key in createOnly || (sparse && key in writable && !Object.hasOwn(sent, key)),
    ),
  );
  // What only an import can have put there stays, unless it is told to go.
  const left = (imported ?? []).filter(name =>
    Object.hasOwn(sent, name) ? same(fields[name], Reflect.get(stored, name)) : sparse,
  );
  const said = Object.entries({ ...kept, ...fields }).filter(([key]) => !left.includes(key));
  const input = parseInput(identity, Object.fromEntries(said));
  return { ...input, ...Object.fromEntries(left.map(name => [name, Reflect.get(stored, name)])) };
}

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
  const input = merged(identity, stored, sent, sparse);
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

/** A namespace and everything that a namespace can hold in itself, by how many: for refusals. */
export async function contents(
  namespace: NamespacePath,
  deps: Pick<Deps, 'store'>,
  identities: readonly Identity[],
): Promise<string[]> {
  const pages = await Promise.all(
    identities.map(async identity => {
      const page = await deps.store.list(identity, namespace, { limit: 100 });
      const more = page.next === undefined ? '' : ' or more';
      return page.items.length === 0 ? [] : [`${page.items.length}${more} ${resourceOf(identity).plural}`];
    }),
  );
  return pages.flat();
}

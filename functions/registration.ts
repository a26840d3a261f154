import type { RegistrationAnswer, RegistrationRequest } from '../shared/api/enforcer-messages.ts';
import { normalizedTags, touch } from '../shared/core/object.ts';
import type { Write } from '../shared/ports/object-store.ts';
import type { Enforcer } from '../shared/schema/enforcer.ts';
import { Failure, fail } from '../shared/schema/failure.ts';
import type { Namespace } from '../shared/schema/namespace.ts';
import type { Tag } from '../shared/schema/tag.ts';
import { activity } from './activity.ts';
import { explained } from './being-deleted.ts';
import type { Call, Handler, Reply } from './call.ts';
import { reopenAbandoned } from './closing.ts';
import { crud, type Hooks, insert, prepare } from './crud.ts';
import type { Deps } from './deps.ts';
import { certifyIn, keyOf } from './enforcer-certificate.ts';
import { idOf } from './ensure-object.ts';
import { asFields } from './input.ts';
import { readInstallToken, usableInstallToken } from './install-token.ts';
import { isSame, proveInstance } from './instance-proof.ts';
import { lineageObjects } from './pipeline/authorize.ts';
import { answerStep } from './pipeline/idempotency.ts';

/** Registrations of one machine that meet are tried again; more often than this, something is wrong. */
const ATTEMPTS = 32;

const union = (...lists: (readonly Tag[])[]): Tag[] => [...new Set(lists.flat())];

const homeOf = ({ lineage }: Call): Namespace => {
  const namespace = lineage.at(-1);
  if (namespace) return namespace;
  throw fail('invalid', 'the root has no bundle; register the enforcer in a namespace below it');
};

/**
 * One machine has one enforcer in a namespace. No index could promise that, so the ID does: it follows from namespace
 * and machine, and every registration but the first meets the object that is there.
 */
const hooks: Hooks<'enforcer'> = {
  check: (_input, call) => void homeOf(call),
  complete: async (object, call, deps) => {
    if (object.machineID !== '') {
      object.ID = idOf(homeOf(call), 'enforcer', object.machineID);
      object.normalizedTags = normalizedTags('enforcer', object);
      object.registrationTime = deps.clock.now().toISOString();
    }
    await proveInstance(object, call, deps);
    await certifyIn(object, deps);
  },
  renew: async (object, _stored, call, deps) => {
    await proveInstance(object, call, deps);
    await certifyIn(object, deps);
  },
};

/**
 * The object of a machine that registers again. What people said of it stays; what the agent says is new, its key among
 * it: whatever the former installation still holds is of no use any more.
 */
export function takenOver(known: Enforcer, registered: Enforcer, now: Date): Enforcer {
  const { bundle: _, certificateExpirationDate: __, verifiedInstance, ...former } = known;
  const instance = registered.instance ?? former.instance;
  const { createTime, updateTime, annotations, description, logLevel } = known;
  return touch(
    'enforcer',
    {
      ...former,
      ...(verifiedInstance && isSame(verifiedInstance, instance) ? { verifiedInstance } : {}),
      ...registered,
      createTime,
      updateTime,
      logLevel,
      description: registered.description || description,
      protected: registered.protected || known.protected,
      annotations: { ...annotations, ...registered.annotations },
      associatedTags: union(known.associatedTags, registered.associatedTags),
    },
    now,
  );
}

interface Registered {
  enforcer: Enforcer;
  messages: readonly string[];
}

const isConflict = (error: unknown): boolean => error instanceof Failure && error.kind === 'conflict';

/**
 * Creates the enforcer, or takes over the one that the machine has. `more` is written in the same transaction, and asked
 * for anew at each attempt.
 */
async function register(
  object: Enforcer,
  call: Call,
  deps: Deps,
  more: (enforcer: Enforcer) => Promise<Write[]> = async () => [],
): Promise<Registered> {
  let known: Enforcer | undefined;
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const enforcer = known ? takenOver(known, object, deps.clock.now()) : object;
    const messages = known
      ? [`machine ${object.machineID} has registered before: its enforcer ${known.ID} was taken over`]
      : [];
    const extra = await more(enforcer);
    try {
      await deps.store.commit([
        ...answerStep(call, { body: enforcer, messages }, deps),
        { kind: 'require', namespace: enforcer.namespace },
        ...(known ? replaced(known, enforcer, call, deps) : created(enforcer, call, deps)),
        ...extra,
      ]);
      return { enforcer, messages };
    } catch (error) {
      if (!isConflict(error)) throw error;
      known = await deps.store.get({ resource: 'enforcer', namespace: object.namespace, id: object.ID });
    }
  }
  throw fail('conflict', `machine ${object.machineID} is registered by others all the time; try again`);
}

const created = (after: Enforcer, call: Call, deps: Deps): Write[] => [
  { kind: 'create', resource: 'enforcer', object: after },
  activity('enforcer', 'create', call, deps, { after }),
];

const replaced = (before: Enforcer, after: Enforcer, call: Call, deps: Deps): Write[] => [
  { kind: 'update', resource: 'enforcer', object: after, seen: before.updateTime },
  activity('enforcer', 'update', call, deps, { before, after }),
];

const createEnforcer: Handler = async (call, deps) => {
  const object = await prepare('enforcer', asFields(call.body), call, deps, hooks);
  if (object.machineID === '') return insert('enforcer', object, call, deps);
  const { enforcer, messages } = await register(object, call, deps);
  return { body: enforcer, messages };
};

const answerOf = (enforcer: Enforcer, { apiURL }: Pick<Deps, 'apiURL'>): RegistrationAnswer => {
  const certificate = Buffer.from(enforcer.certificate).toString('base64');
  const { ID, name, namespace } = enforcer;
  return {
    enforcer,
    credential: { APIURL: apiURL, ID, name, namespace, certificate, certificateAuthority: certificate },
  };
};

/** The install token is used up in the transaction that registers: once, whoever else tries at the same moment. */
const registerEnforcer: Handler = async (outside, deps): Promise<Reply> => {
  const { token: text, enforcer: input } = outside.body as RegistrationRequest;
  const read = readInstallToken(text);
  const lineage = await lineageObjects(deps.store, read.namespace);
  if (!lineage) throw fail('unauthorized', 'the namespace of the install token is gone');
  const claims = ['@auth:realm=installtoken', `@auth:subject=${read.id}`];
  const caller = { ...outside.caller, claims };
  const call: Call = { ...outside, namespace: read.namespace, lineage, caller };
  const object = await prepare('enforcer', input, call, deps, hooks);
  const key = keyOf(object.certificate);
  const { machineID, namespace, ID: id } = object;
  const usable = () => usableInstallToken(read, key, { machineID, enforcerID: id }, deps);
  if ((await usable()).usedBy) {
    const before = await deps.store.get({ resource: 'enforcer', namespace, id });
    if (before && before.certificate !== '' && keyOf(before.certificate) === key) {
      return { body: answerOf(before, deps) };
    }
    throw fail('unauthorized', 'the install token was used, and its enforcer has another key now');
  }
  await reopenAbandoned(lineage.at(-1), deps);
  const using = async ({ ID }: Enforcer): Promise<Write[]> => {
    const token = await usable();
    if (token.usedBy) throw fail('conflict', 'the same registration is under way; ask again');
    const now = deps.clock.now();
    const usedBy = { enforcerID: ID, key, time: now.toISOString() };
    const used = touch('installtoken', { ...token, usedBy }, now);
    return [{ kind: 'update', resource: 'installtoken', object: used, seen: token.updateTime }];
  };
  const { enforcer, messages } = await register(object, call, deps, using).catch(async error => {
    throw await explained(error, namespace, deps);
  });
  return { body: answerOf(enforcer, deps), messages };
};

/** From now on the enforcer proves nothing any more, until it registers anew. */
const revokeEnforcer: Handler = async (call, deps) => {
  const before = call.target as Enforcer | undefined;
  if (!before) throw fail('not_found', `no enforcer with the ID \`${call.params.id}\` in ${call.namespace}`);
  const { certificateExpirationDate: _, ...rest } = before;
  const after = touch('enforcer', { ...rest, certificate: '' }, deps.clock.now());
  await deps.store.commit(replaced(before, after, call, deps));
  return { body: after };
};

export const registeredEnforcers = {
  ...crud('enforcer', hooks),
  createEnforcer,
  registerEnforcer,
  revokeEnforcer,
};

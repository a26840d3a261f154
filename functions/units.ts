import type { Mapped } from '../shared/core/mapping.ts';
import { normalizedTags, touch } from '../shared/core/object.ts';
import { grants } from '../shared/core/roles.ts';
import type { Write } from '../shared/ports/object-store.ts';
import { canonicalAddress } from '../shared/schema/cidr.ts';
import { fail } from '../shared/schema/failure.ts';
import { isWithin, type NamespacePath, tenantOf } from '../shared/schema/ids.ts';
import type { ProcessingUnit } from '../shared/schema/processingunit.ts';
import type { InputOf } from '../shared/schema/resources.ts';
import { activity } from './activity.ts';
import type { Call, Handler, Reply } from './call.ts';
import { crud, type Hooks, prepare } from './crud.ts';
import type { Deps } from './deps.ts';
import { idOf } from './ensure-object.ts';
import { asFields } from './input.ts';
import { heldNow, lineageObjects } from './pipeline/authorize.ts';
import { answerStep } from './pipeline/idempotency.ts';
import { brokenRules } from './pipeline/problem.ts';
import { mappingsFrom, placeOf } from './unit-mapping.ts';

/** The enforcer that calls, where it calls with its own key. */
const callingEnforcer = ({ caller: { claims } }: Call): string | undefined =>
  claims.includes('@auth:realm=enforcer')
    ? claims.find(claim => claim.startsWith('@auth:subject='))?.slice('@auth:subject='.length)
    : undefined;

/** Where a unit starts: mappings only ever lead down from there. */
const startOf = ({ enforcerNamespace, namespace }: ProcessingUnit): NamespacePath =>
  enforcerNamespace !== '' && isWithin(namespace, enforcerNamespace) ? enforcerNamespace : namespace;

/** Whoever watches over a unit is of the unit's own tenant. */
function refuseForeign({ enforcerNamespace: input }: InputOf<'processingunit'>, { namespace }: Call): void {
  const tenant = tenantOf(namespace);
  if (input === '' || tenantOf(input) === tenant) return;
  const message = `it must be in ${tenant}, the tenant of the unit, or be left out`;
  throw brokenRules([{ path: ['enforcerNamespace'], input, message }]);
}

/**
 * Whether the caller may have a unit in a namespace that its request is not about. What it may in the request's own it may below too.
 */
async function mayHaveIn(namespace: NamespacePath, call: Call, deps: Pick<Deps, 'store' | 'clock'>) {
  if (isWithin(namespace, call.namespace)) return true;
  const held = call.token ? await heldNow(call.token, call.caller, namespace, deps) : [];
  return held.some(permissions => grants(permissions, 'processingunit', 'post'));
}

/** Mappings of the enforcer's namespace move a unit, so whoever names one must be allowed to register units there. */
async function refuseFarStart(
  { enforcerNamespace: input }: InputOf<'processingunit'>,
  call: Call,
  deps: Deps,
): Promise<void> {
  const stored = call.target as ProcessingUnit | undefined;
  if (input === '' || input === stored?.enforcerNamespace) return;
  if (await mayHaveIn(input, call, deps)) return;
  const message = `it must be ${call.namespace} or below: you may not post processingunit in ${input}`;
  throw brokenRules([{ path: ['enforcerNamespace'], input, message }]);
}

const hooks: Hooks<'processingunit'> = {
  check: async (input, call, deps) => {
    input.addresses = [...new Set(input.addresses.map(canonicalAddress))];
    refuseForeign(input, call);
    await refuseFarStart(input, call, deps);
    const own = callingEnforcer(call);
    if (own !== undefined && input.enforcerID !== '' && input.enforcerID !== own) {
      const message = `it must be ${own}, the enforcer that calls, or be left out`;
      throw brokenRules([{ path: ['enforcerID'], input: input.enforcerID, message }]);
    }
  },
  complete: (object, call) => {
    const own = callingEnforcer(call);
    if (own !== undefined) object.enforcerID = own as ProcessingUnit['ID'];
    if (object.enforcerID !== '' && object.enforcerNamespace === '')
      object.enforcerNamespace = call.namespace;
    const home = call.lineage.at(-1);
    // One unit of one enforcer has one object, however often it is registered.
    if (home && object.enforcerID !== '' && object.nativeContextID !== '') {
      object.ID = idOf(home, 'processingunit', `${object.enforcerID} ${object.nativeContextID}`);
      object.normalizedTags = normalizedTags('processingunit', object);
    }
  },
};

function messagesOf(
  { hops, cut, namespace }: Mapped,
  { ID }: ProcessingUnit,
  { log }: Pick<Deps, 'log'>,
): string[] {
  if (cut) {
    log.error('a processing unit was mapped too far', {
      ID,
      namespace,
      policy: cut.by.ID,
      because: cut.because,
    });
  }
  const moved = hops.map(({ name, mappedNamespace }) => `\`${name}\` to ${mappedNamespace}`);
  return [
    ...(moved.length > 0 ? [`the processing unit was mapped by ${moved.join(', then by ')}`] : []),
    ...(cut
      ? [`mapping \`${cut.by.name}\` was not followed: ${cut.because}; the unit stays in ${namespace}`]
      : []),
  ];
}

/** The same unit where it belongs: what it has from its namespace is that of the new one. */
const settled = (unit: ProcessingUnit, namespace: NamespacePath, now: Date): ProcessingUnit => {
  const moved = { ...unit, namespace };
  return touch('processingunit', { ...moved, normalizedTags: normalizedTags('processingunit', moved) }, now);
};

/**
 * The object that an earlier registration left, wherever mappings had led it. Only what an enforcer tells apart can be
 * registered twice. The index of IDs may lag by moments; where the unit itself is, the read is consistent.
 */
async function earlier(
  { ID: id, namespace, enforcerID, nativeContextID }: ProcessingUnit,
  { store }: Pick<Deps, 'store'>,
): Promise<ProcessingUnit | undefined> {
  if (enforcerID === '' || nativeContextID === '') return undefined;
  const [here, found] = await Promise.all([
    store.get({ resource: 'processingunit', namespace, id }),
    store.findBy('processingunit', tenantOf(namespace), 'ID', id),
  ]);
  return here ?? found[0];
}

/** Creates the unit where it belongs, or renews the one that was registered before. */
async function register(
  unit: ProcessingUnit,
  before: ProcessingUnit | undefined,
  call: Call,
  deps: Deps,
  messages: readonly string[],
): Promise<Reply> {
  const at: Call = { ...call, namespace: unit.namespace };
  const after = before ? { ...unit, createTime: before.createTime } : unit;
  await deps.store.commit([
    ...answerStep(call, { body: after, messages }, deps),
    ...(before
      ? replacing(before, after)
      : ([
          { kind: 'require', namespace: unit.namespace },
          { kind: 'create', resource: 'processingunit', object: unit },
        ] as const)),
    activity('processingunit', before ? 'update' : 'create', at, deps, {
      ...(before ? { before } : {}),
      after,
    }),
  ]);
  return { body: after, messages };
}

/** Takes the place of the object that was there; in another namespace it is another item of the same ID. */
export const replacing = (before: ProcessingUnit, after: ProcessingUnit): Write[] =>
  before.namespace === after.namespace
    ? [{ kind: 'update', resource: 'processingunit', object: after, seen: before.updateTime, before }]
    : [
        { kind: 'require', namespace: after.namespace },
        { kind: 'delete', resource: 'processingunit', object: before, seen: before.updateTime },
        { kind: 'create', resource: 'processingunit', object: after },
      ];

const createProcessingunit: Handler = async (call, deps) => {
  const fields = asFields(call.body);
  const unit = await prepare('processingunit', fields, call, deps, hooks);
  const [mapped, before] = await Promise.all([
    placeOf(call.namespace, unit.normalizedTags, mappingsFrom(deps)),
    earlier(unit, deps),
  ]);
  const messages = messagesOf(mapped, unit, deps);
  if (mapped.namespace === call.namespace) return register(unit, before, call, deps, messages);
  const lineage = await lineageObjects(deps.store, mapped.namespace);
  if (!lineage) throw fail('conflict', `namespace ${mapped.namespace} is being removed; register again`);
  // Its organizational metadata is that of the namespace that it belongs to.
  const there: Call = { ...call, namespace: mapped.namespace, lineage };
  const inPlace = await prepare('processingunit', fields, there, deps);
  const { ID, enforcerID, enforcerNamespace } = unit;
  const object = settled(
    { ...inPlace, ID, enforcerID, enforcerNamespace },
    mapped.namespace,
    deps.clock.now(),
  );
  return register(object, before, call, deps, messages);
};

/** Where the unit belongs now; undefined when it is there. */
export async function moveOf(
  unit: ProcessingUnit,
  mappings: ReturnType<typeof mappingsFrom>,
  deps: Pick<Deps, 'clock' | 'log'>,
): Promise<{ unit: ProcessingUnit; messages: string[] } | undefined> {
  const mapped = await placeOf(startOf(unit), unit.normalizedTags, mappings);
  if (mapped.namespace === unit.namespace) return undefined;
  return {
    unit: settled(unit, mapped.namespace, deps.clock.now()),
    messages: messagesOf(mapped, unit, deps),
  };
}

/** @throws `forbidden` where the tags of a change would lead the unit to a namespace in which the caller may not have it */
async function refuseFarMove(unit: ProcessingUnit, stored: ProcessingUnit, call: Call, deps: Deps) {
  const isSame = JSON.stringify(unit.normalizedTags) === JSON.stringify(stored.normalizedTags);
  if (isSame || isWithin(startOf(unit), call.namespace)) return;
  const { namespace } = await placeOf(startOf(unit), unit.normalizedTags, mappingsFrom(deps));
  if (await mayHaveIn(namespace, call, deps)) return;
  throw fail(
    'forbidden',
    `with these tags mappings lead the processing unit to ${namespace}, where you may not post processingunit`,
  );
}

const { updateProcessingunit, patchProcessingunit, ...others } = crud('processingunit', {
  ...hooks,
  renew: refuseFarMove,
});

/** A change of tags may lead a unit elsewhere. It is moved after the change, which is in the log by itself. */
const moving =
  (change: Handler): Handler =>
  async (call, deps) => {
    const reply = await change(call, deps);
    const before = reply.body as ProcessingUnit;
    const move = call.dryRun ? undefined : await moveOf(before, mappingsFrom(deps), deps);
    if (!move) return reply;
    const at: Call = { ...call, namespace: move.unit.namespace };
    await deps.store.commit([
      ...replacing(before, move.unit),
      activity('processingunit', 'update', at, deps, { before, after: move.unit }),
    ]);
    return { ...reply, body: move.unit, messages: [...(reply.messages ?? []), ...move.messages] };
  };

export const processingUnits = {
  ...others,
  createProcessingunit,
  patchProcessingunit: moving(patchProcessingunit),
  updateProcessingunit: moving(updateProcessingunit),
};

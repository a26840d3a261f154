import { z } from 'zod';
import { newObject, touch } from '../../shared/core/object.ts';
import { expressionMatches } from '../../shared/core/tags.ts';
import type { Enforcer } from '../../shared/schema/enforcer.ts';
import {
  BATCH,
  ENDED,
  type EnforcerUpgrade,
  type UpgradeHost,
  upgradebatch,
} from '../../shared/schema/enforcerupgrade.ts';
import { Failure } from '../../shared/schema/failure.ts';
import { type NamespacePath, ObjectId, NamespacePath as Path } from '../../shared/schema/ids.ts';
import { type Migration, SETTLED } from '../../shared/schema/migration.ts';
import { batchID, rewritten, upgradeAt } from '../upgrade.ts';
import { appoint, findWitnesses } from '../witnesses.ts';
import { Called, type TaskDeps, task } from './task.ts';

/** Which upgrade. */
export const OfUpgrade = { ...Called, namespace: Path, ID: ObjectId };

const Input = z.strictObject(OfUpgrade);

/** Parts that one call plans. */
const PARTS = 4;

/**
 * Claims the hosts of the upgrade, a few parts at a call, in the order of the list, and asks the agent of each what its host is.
 * A host that another upgrade has is left alone. Answers `done` when every host is in its wave.
 */
export const planUpgrade = task(Input, async (input, deps) => {
  let upgrade = await upgradeAt(input, deps);
  if (upgrade.planned === 0 && !upgrade.witnesses) upgrade = await watched(upgrade, deps);
  for (let part = 0; part < PARTS && !upgrade.isPlanned; part += 1) upgrade = await planPart(upgrade, deps);
  return { done: upgrade.isPlanned };
});

/** Hosts at the other ends of the probes are to confirm them. */
async function watched(upgrade: EnforcerUpgrade, deps: TaskDeps): Promise<EnforcerUpgrade> {
  const witnesses = await findWitnesses(upgrade, deps);
  await appoint(witnesses, deps);
  return rewritten('enforcerupgrade', upgrade, deps, now => (now.witnesses ? undefined : { witnesses }));
}

/** The wave that the next part belongs to, and how many of its hosts are still missing. */
function waveToFill({ waves, planned }: EnforcerUpgrade): { wave: number; room: number } {
  let before = 0;
  for (const [wave, { hosts }] of waves.entries()) {
    before += hosts;
    if (planned < before) return { wave, room: Math.min(BATCH, before - planned) };
  }
  // More than when it was started: the last wave takes them.
  return { wave: Math.max(0, waves.length - 1), room: BATCH };
}

async function planPart(upgrade: EnforcerUpgrade, deps: TaskDeps): Promise<EnforcerUpgrade> {
  const { wave, room } = waveToFill(upgrade);
  const { found, cursor, ended } = await nextHosts(upgrade, room, deps);
  const number = upgrade.waves.reduce((sum, { batches }) => sum + batches.length, 0);
  const hosts = await Promise.all(found.map(enforcer => claimed(enforcer, upgrade, number, deps)));
  const skipped = hosts.filter(({ state }) => state === 'Skipped').length;
  const waves = upgrade.waves.map((each, index) =>
    index === wave && hosts.length > 0
      ? { ...each, batches: [...each.batches, number], skipped: each.skipped + skipped }
      : each,
  );
  const planned = touch(
    'enforcerupgrade',
    {
      ...upgrade,
      waves,
      cursor,
      planned: upgrade.planned + hosts.length,
      isPlanned: ended,
      status: 'Planning' as const,
      ...(ended ? { plannedTime: deps.clock.now().toISOString() } : {}),
      startTime: upgrade.startTime ?? deps.clock.now().toISOString(),
    },
    deps.clock.now(),
  );
  const input = upgradebatch.input.parse({
    name: `${upgrade.name}-${number}`,
    upgrade: upgrade.ID,
    number,
    hosts,
  });
  const batch = newObject('upgradebatch', input, {
    id: batchID(upgrade.ID, number),
    namespace: upgrade.namespace,
    now: deps.clock.now(),
  });
  await deps.store.commit([
    { kind: 'update', resource: 'enforcerupgrade', object: planned, seen: upgrade.updateTime },
    ...(hosts.length > 0 ? [{ kind: 'create', resource: 'upgradebatch', object: batch } as const] : []),
  ]);
  return planned;
}

/** Up to `room` more of the hosts that the upgrade means. */
async function nextHosts(upgrade: EnforcerUpgrade, room: number, { store }: TaskDeps) {
  const { spec, namespace } = upgrade;
  const found: Enforcer[] = [];
  let { cursor } = upgrade;
  for (;;) {
    const query = { limit: room - found.length, ...(cursor === '' ? {} : { after: cursor }) };
    const page = spec.recursive
      ? await store.listTree('enforcer', namespace, query)
      : await store.list('enforcer', namespace, query);
    found.push(
      ...page.items.filter(({ normalizedTags }) => expressionMatches(spec.selector, normalizedTags)),
    );
    cursor = page.next ?? '';
    if (page.next === undefined || found.length >= room)
      return { found, cursor, ended: page.next === undefined };
  }
}

/** The other upgrade that has a host; undefined when it is free. */
export async function holderOf(
  { migration }: Pick<Enforcer, 'migration'>,
  own: ObjectId | undefined,
  namespaces: readonly NamespacePath[],
  { store }: Pick<TaskDeps, 'store'>,
): Promise<EnforcerUpgrade | undefined> {
  if (!migration || migration.upgrade === own || SETTLED.includes(migration.state)) return undefined;
  for (const namespace of namespaces) {
    const upgrade = await store.get({ resource: 'enforcerupgrade', namespace, id: migration.upgrade });
    if (upgrade) return ENDED.includes(upgrade.status) ? undefined : upgrade;
  }
  return undefined;
}

async function claimed(
  enforcer: Enforcer,
  upgrade: EnforcerUpgrade,
  batch: number,
  deps: TaskDeps,
): Promise<UpgradeHost> {
  const { ID, namespace, name, currentVersion: from } = enforcer;
  const { instance } = enforcer;
  const host = { ID, namespace, name, from, ...(instance ? { instance: instance.id } : {}) };
  if (from === upgrade.version)
    return { ...host, state: 'Skipped', reason: `it has version ${upgrade.version} already` };
  const other = await holderOf(enforcer, upgrade.ID, lineageUp(namespace), deps);
  if (other) return { ...host, state: 'Skipped', reason: `upgrade ${other.ID} (${other.name}) has it` };
  const migration: Migration = {
    upgrade: upgrade.ID,
    collect: upgrade.ID,
    batch,
    state: 'Pending',
    from,
    to: upgrade.version,
    reason: '',
    revision: 0,
    done: [],
    claimed: deps.clock.now().toISOString(),
  };
  const object = touch(
    'enforcer',
    { ...enforcer, migration, migrationStatus: 'Running', nextAvailableVersion: upgrade.version },
    deps.clock.now(),
  );
  try {
    await deps.store.commit([{ kind: 'update', resource: 'enforcer', object, seen: enforcer.updateTime }]);
  } catch (error) {
    if (!(error instanceof Failure && ['conflict', 'not_found'].includes(error.kind))) throw error;
    const now = await deps.store.get({ resource: 'enforcer', namespace, id: ID });
    if (now) return claimed(now, upgrade, batch, deps);
    return { ...host, state: 'Skipped', reason: 'it was deleted' };
  }
  return { ...host, state: 'Pending', reason: '' };
}

/** The namespace and those above it: where an upgrade of its hosts may live. */
const lineageUp = (namespace: NamespacePath): NamespacePath[] => {
  const parts = namespace.split('/').slice(1);
  return parts.map((_, index) => Path.parse(`/${parts.slice(0, parts.length - index).join('/')}`));
};

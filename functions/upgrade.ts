import { createHash } from 'node:crypto';
import { newObjectId, touch } from '../shared/core/object.ts';
import type { Activity, Write } from '../shared/ports/object-store.ts';
import type { Publication } from '../shared/ports/publications.ts';
import type { Enforcer } from '../shared/schema/enforcer.ts';
import type { EnforcerUpgrade, UpgradeBatch, UpgradeHost } from '../shared/schema/enforcerupgrade.ts';
import { Failure, fail } from '../shared/schema/failure.ts';
import { type NamespacePath, ObjectId, parentPath, tenantOf } from '../shared/schema/ids.ts';
import type { Migration } from '../shared/schema/migration.ts';
import type { Deps } from './deps.ts';

/** Where something is stored. */
export interface Place {
  namespace: NamespacePath;
  ID: ObjectId;
}

type Store = Pick<Deps, 'store'>;
type StoreAndClock = Pick<Deps, 'store' | 'clock'>;

/** An ID that follows from a text. */
export const idFrom = (...parts: readonly (string | number)[]): ObjectId =>
  ObjectId.parse(createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 24));

export async function upgradeAt({ namespace, ID: id }: Place, { store }: Store): Promise<EnforcerUpgrade> {
  const upgrade = await store.get({ resource: 'enforcerupgrade', namespace, id });
  if (upgrade) return upgrade;
  throw fail('not_found', `no upgrade \`${id}\` in ${namespace}`);
}

export const batchID = (upgrade: ObjectId, number: number): ObjectId => idFrom('batch', upgrade, number);

export async function batchAt(
  { namespace, ID }: Place,
  number: number,
  { store }: Store,
): Promise<UpgradeBatch> {
  const batch = await store.get({ resource: 'upgradebatch', namespace, id: batchID(ID, number) });
  if (batch) return batch;
  throw fail('not_found', `no part ${number} of upgrade \`${ID}\` in ${namespace}`);
}

/** What was published for a namespace; undefined before the first bundle. */
export async function publicationOf(
  namespace: NamespacePath,
  { store, publications }: Pick<Deps, 'store' | 'publications'>,
): Promise<Publication | undefined> {
  const found = await store.getByName('namespace', parentPath(namespace), namespace);
  return found && publications.get(tenantOf(namespace), found.ID);
}

/** What is to be remembered of how a host was upgraded, beside its state. Whoever does not need to be called is not noted. */
export function measuredOf({
  openMilliseconds,
  ranBy,
  state,
}: Migration): Pick<UpgradeHost, 'openMilliseconds' | 'ranBy'> {
  const hasRun = state === 'Upgraded' || state === 'Restored';
  const way = ranBy ?? (hasRun ? 'agent' : undefined);
  return {
    ...(openMilliseconds === undefined ? {} : { openMilliseconds }),
    ...(way === undefined ? {} : { ranBy: way }),
  };
}

/** The hosts of a wave, each as its part remembers it. */
export async function hostsOfWave(
  upgrade: EnforcerUpgrade,
  wave: number,
  deps: Store,
): Promise<UpgradeHost[]> {
  const parts = upgrade.waves[wave]?.batches ?? [];
  return (await Promise.all(parts.map(number => batchAt(upgrade, number, deps)))).flatMap(
    ({ hosts }) => hosts,
  );
}

/** Times that a write which lost a race is tried again. */
const ATTEMPTS = 10;

/** Reads, changes and writes until nobody else was faster. `change` may leave it as it is: undefined. */
export async function rewritten<I extends 'enforcer' | 'enforcerupgrade'>(
  resource: I,
  { namespace, ID: id }: Place,
  deps: StoreAndClock,
  change: (object: I extends 'enforcer' ? Enforcer : EnforcerUpgrade) => object | undefined,
  more: Write[] = [],
): Promise<I extends 'enforcer' ? Enforcer : EnforcerUpgrade> {
  type Object = I extends 'enforcer' ? Enforcer : EnforcerUpgrade;
  for (let attempt = 0; ; attempt += 1) {
    const stored = (await deps.store.get({ resource, namespace, id })) as Object | undefined;
    if (!stored)
      throw fail('not_found', `no ${resource} \`${id}\` in ${namespace}; it was deleted meanwhile`);
    const changed = change(stored);
    if (!changed) return stored;
    const object = touch(resource, { ...stored, ...changed } as never, deps.clock.now()) as Object;
    try {
      await deps.store.commit([
        { kind: 'update', resource, object: object as never, seen: stored.updateTime },
        ...more,
      ]);
      return object;
    } catch (error) {
      const lost = error instanceof Failure && error.kind === 'conflict';
      if (!lost || attempt >= ATTEMPTS) throw error;
    }
  }
}

/** What the workflow did, as the activity log shows it. */
export function upgradeActivity(
  object: Enforcer | EnforcerUpgrade,
  identity: 'enforcer' | 'enforcerupgrade',
  operation: Activity['operation'],
  execution: string,
  after: object,
  { clock }: Pick<Deps, 'clock'>,
): Write {
  const now = clock.now();
  return {
    kind: 'activity',
    activity: {
      id: newObjectId(now, size => clock.randomBytes(size)),
      namespace: object.namespace,
      date: now.toISOString(),
      operation,
      targetIdentity: identity,
      targetID: object.ID,
      claims: ['@auth:realm=system', '@auth:subject=upgrade-enforcers'],
      requestID: execution,
      after,
    },
  };
}

/** Task tokens are kept beside the answers to keys, for a day. A client's key holds no space, so they never meet. */
const tokenKey = (directive: ObjectId): string => `directive ${directive}`;

/** The directive that a task token stands for: the same token, the same directive. */
export const directiveOf = (token: string): ObjectId => idFrom('directive', token);

export const keepToken = (
  namespace: NamespacePath,
  token: string,
  { clock }: Pick<Deps, 'clock'>,
): Write => ({
  kind: 'answer',
  answer: {
    tenant: tenantOf(namespace),
    key: tokenKey(directiveOf(token)),
    request: '',
    body: token,
    messages: [],
    date: clock.now().toISOString(),
  },
});

/** A pause that waits goes on. */
export async function endTaskByToken(token: string, { workflows }: Pick<Deps, 'workflows'>): Promise<void> {
  try {
    await workflows.sendTaskSuccess(token, {});
  } catch (error) {
    if (!(error instanceof Failure && error.kind === 'not_found')) throw error;
  }
}

/** Ends the task that a directive stands for. Nothing happens when it has ended already: timed out, or answered before. */
export async function endTask(
  namespace: NamespacePath,
  directive: ObjectId,
  ending: { output: unknown } | { error: string; cause: string },
  { store, workflows }: Pick<Deps, 'store' | 'workflows'>,
): Promise<void> {
  const kept = await store.answered(tenantOf(namespace), tokenKey(directive));
  if (!kept) return;
  const token = String(kept.body);
  try {
    if ('output' in ending) await workflows.sendTaskSuccess(token, ending.output);
    else await workflows.sendTaskFailure(token, ending.error, ending.cause);
  } catch (error) {
    if (!(error instanceof Failure && error.kind === 'not_found')) throw error;
  }
}

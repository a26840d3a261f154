import { newObjectId, touch } from '../../shared/core/object.ts';
import type { Activity, Stored, Write } from '../../shared/ports/object-store.ts';
import type { NamespacePath, ObjectId } from '../../shared/schema/ids.ts';
import { IMPORT_ENDED, type ImportRun } from '../../shared/schema/import.ts';
import type { Identity, ObjectOf } from '../../shared/schema/resources.ts';
import type { Call } from '../call.ts';
import type { Deps } from '../deps.ts';
import type { Take } from './objects.ts';
import type { Planned } from './parts.ts';

type StoreAndClock = Pick<Deps, 'store' | 'clock'>;

/** Where an import is stored. */
export interface ImportPlace {
  namespace: NamespacePath;
  ID: ObjectId;
}

export const importAt = (
  { namespace, ID: id }: ImportPlace,
  { store }: Pick<Deps, 'store'>,
): Promise<ImportRun | undefined> => store.get({ resource: 'import', namespace, id });

export const hasEnded = ({ status }: ImportRun): boolean => IMPORT_ENDED.includes(status);

/**
 * Writes the next version of an import together with what it tells of: all of it is done, or none. Whoever else has
 * written it meanwhile makes this fail with `conflict`.
 */
export async function advance(
  run: ImportRun,
  change: Partial<ImportRun>,
  deps: StoreAndClock,
  writes: readonly Write[] = [],
): Promise<ImportRun> {
  const next = touch('import', { ...run, ...change }, deps.clock.now());
  await deps.store.commit([
    ...writes,
    { kind: 'update', resource: 'import', object: next, seen: run.updateTime },
  ]);
  return next;
}

/** One try of a part: in whose name, and how often it was tried before. */
export interface Try {
  call: Call;
  tries: number;
}

/** Reads at a time. */
const TOGETHER = 25;

/** The objects that entries mean, as they are now, by their places in the file. Each is found again by its ID. */
export async function targetsOf(
  entries: readonly Planned[],
  { store }: Pick<Deps, 'store'>,
): Promise<Map<string, Stored>> {
  const found = new Map<string, Stored>();
  const wanted = entries.filter(({ target }) => target !== undefined);
  for (let from = 0; from < wanted.length; from += TOGETHER) {
    await Promise.all(
      wanted.slice(from, from + TOGETHER).map(async ({ identity, namespace, target, at }) => {
        const object = target && (await store.get({ resource: identity, namespace, id: target }));
        if (object) found.set(at, object);
      }),
    );
  }
  return found;
}

/** As planned: what was there then and is no longer is made anew. */
export const takePlanned =
  (targets: ReadonlyMap<string, ObjectOf<Identity>>): Take =>
  async ({ at }) =>
    targets.get(at);

/** What the workflow did, as the activity log shows it. */
export function importActivity(
  run: ImportRun,
  execution: string,
  after: object,
  { clock }: Pick<Deps, 'clock'>,
): Write & { activity: Activity } {
  const now = clock.now();
  return {
    kind: 'activity',
    activity: {
      id: newObjectId(now, size => clock.randomBytes(size)),
      namespace: run.namespace,
      date: now.toISOString(),
      operation: 'update',
      targetIdentity: 'import',
      targetID: run.ID,
      claims: ['@auth:realm=system', '@auth:subject=import-objects'],
      requestID: execution,
      after,
    },
  };
}

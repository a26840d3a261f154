import type { Enforcer } from '../shared/schema/enforcer.ts';
import { Failure } from '../shared/schema/failure.ts';
import type { FlowReport } from '../shared/schema/flowreport.ts';
import { type NamespacePath, tenantOf } from '../shared/schema/ids.ts';
import type { Migration } from '../shared/schema/migration.ts';
import type { Deps } from './deps.ts';

type WatchDeps = Pick<Deps, 'store' | 'clock'>;

/** Milliseconds after a host was settled in which its rejected flows are still counted: no soak is longer. */
const WATCHED = 24 * 3600_000;

const isWatched = ({ ended }: Migration, now: Date): boolean =>
  ended === undefined || now.getTime() - Date.parse(ended) < WATCHED;

/** Rejected flows of before the uninstall was ordered, and since the install was. */
function countedIn(migration: Migration, rejected: readonly FlowReport[]): Migration['rejects'] {
  const { rejects = { before: 0, after: 0 }, started, directed, state } = migration;
  const isNew = state === 'Installing' || state === 'Upgraded';
  const sum = (wanted: (timestamp: string) => boolean): number =>
    rejected.reduce((all, { timestamp, value }) => all + (wanted(timestamp) ? value : 0), 0);
  return {
    before: rejects.before + sum(timestamp => started === undefined || timestamp < started),
    after: rejects.after + (isNew ? sum(timestamp => directed !== undefined && timestamp >= directed) : 0),
  };
}

/** Times that a count which met another write is tried again; after them it is lost. */
const ATTEMPTS = 3;

/**
 * Counts rejected flows that an enforcer reports while an upgrade has it: what the health gate compares. Costs nothing
 * where nothing was rejected; one read where no upgrade has it.
 */
export async function watchRejects(
  id: string,
  namespace: NamespacePath,
  reports: readonly FlowReport[],
  { store, clock }: WatchDeps,
): Promise<void> {
  const rejected = reports.filter(({ action }) => action === 'Reject');
  if (rejected.length === 0) return;
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    const [found] = await store.findBy('enforcer', tenantOf(namespace), 'ID', id);
    const enforcer: Enforcer | undefined =
      found && (await store.get({ ...found, resource: 'enforcer', id: found.ID }));
    const migration = enforcer?.migration;
    if (!enforcer || !migration || !isWatched(migration, clock.now())) return;
    const object = { ...enforcer, migration: { ...migration, rejects: countedIn(migration, rejected) } };
    try {
      return await store.commit([{ kind: 'refresh', resource: 'enforcer', object }]);
    } catch (error) {
      if (!(error instanceof Failure && error.kind === 'conflict')) throw error;
    }
  }
}

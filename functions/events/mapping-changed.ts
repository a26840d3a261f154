import { newObjectId } from '../../shared/core/object.ts';
import type { Change } from '../../shared/ports/change-feed.ts';
import { Failure } from '../../shared/schema/failure.ts';
import type { NamespacePath } from '../../shared/schema/ids.ts';
import type { ProcessingUnit } from '../../shared/schema/processingunit.ts';
import type { Deps } from '../deps.ts';
import { mappingsFrom } from '../unit-mapping.ts';
import { moveOf, replacing } from '../units.ts';
import { pagesOf } from '../walk.ts';

type MoveDeps = Pick<Deps, 'store' | 'clock' | 'log'>;

/** Whose work it is, as the activity log shows it. */
const SYSTEM_CLAIMS = ['@auth:realm=system', '@auth:subject=namespace-mapping'] as const;

/** Namespaces in which mappings were changed, each once. */
const touchedBy = (changes: readonly Change[]): NamespacePath[] => [
  ...new Set(
    changes
      .filter(({ resource }) => resource === 'namespacemappingpolicy')
      .flatMap(({ before, after }) => [before, after].flatMap(object => object?.namespace ?? [])),
  ),
];

/** A mapping came, went or changed: units whose way leads through its namespace are moved to where they belong now. */
export async function mappingChanged(changes: readonly Change[], deps: MoveDeps): Promise<void> {
  const mappings = mappingsFrom(deps);
  for (const namespace of touchedBy(changes)) {
    // A page at a time: who was moved may be met again, where it belongs.
    for await (const page of pagesOf(deps.store, 'processingunit', namespace, true)) {
      for (const unit of page) await moveUnit(unit, mappings, deps);
    }
  }
}

async function moveUnit(
  unit: ProcessingUnit,
  mappings: ReturnType<typeof mappingsFrom>,
  deps: MoveDeps,
): Promise<void> {
  const move = await moveOf(unit, mappings, deps);
  if (!move) return;
  const now = deps.clock.now();
  const id = newObjectId(now, size => deps.clock.randomBytes(size));
  try {
    await deps.store.commit([
      ...replacing(unit, move.unit),
      {
        kind: 'activity',
        activity: {
          id,
          namespace: move.unit.namespace,
          date: now.toISOString(),
          operation: 'update',
          targetIdentity: 'processingunit',
          targetID: unit.ID,
          claims: SYSTEM_CLAIMS,
          requestID: id,
          before: unit,
          after: move.unit,
        },
      },
    ]);
  } catch (error) {
    // Changed, moved or removed meanwhile: by its enforcer, which maps it too, or by an earlier delivery.
    if (!(error instanceof Failure && ['conflict', 'not_found'].includes(error.kind))) throw error;
  }
}

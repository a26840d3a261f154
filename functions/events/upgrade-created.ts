import type { Change } from '../../shared/ports/change-feed.ts';
import type { EnforcerUpgrade } from '../../shared/schema/enforcerupgrade.ts';
import type { Deps } from '../deps.ts';

/** An upgrade was created: starts its workflow, once. */
export async function upgradeCreated(
  changes: readonly Change[],
  { workflows, log }: Pick<Deps, 'workflows' | 'log'>,
): Promise<void> {
  for (const { resource, operation, after } of changes) {
    if (resource !== 'enforcerupgrade' || operation !== 'create' || !after) continue;
    const { ID, namespace, createTime, spec } = after as EnforcerUpgrade;
    const start = spec.schedule ?? createTime;
    const { started } = await workflows.start('upgrade-enforcers', ID, { ID, namespace, start });
    log.info(started ? 'upgrade started' : 'upgrade was started before', { upgrade: ID, namespace });
  }
}

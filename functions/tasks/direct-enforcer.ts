import { z } from 'zod';
import { goSeconds } from '../../shared/core/duration.ts';
import { touch } from '../../shared/core/object.ts';
import type { Enforcer } from '../../shared/schema/enforcer.ts';
import type { EnforcerUpgrade } from '../../shared/schema/enforcerupgrade.ts';
import { Failure, fail } from '../../shared/schema/failure.ts';
import { NamespacePath, ObjectId } from '../../shared/schema/ids.ts';
import type { DirectedTask, HostState, Migration } from '../../shared/schema/migration.ts';
import { directiveOf, keepToken, publicationOf, upgradeAt } from '../upgrade.ts';
import { OfUpgrade } from './plan-upgrade.ts';
import { type TaskDeps, task } from './task.ts';

const Input = z.strictObject({
  ...OfUpgrade,
  host: z.strictObject({ namespace: NamespacePath, ID: ObjectId }),
  kind: z.enum(['uninstall', 'install']),
  version: z.string(),
  purpose: z.enum(['forward', 'mend', 'back', 'restore']),
  token: z.string().min(1),
});
type Input = z.infer<typeof Input>;

function stateOf({ kind, purpose }: Input): HostState {
  if (purpose !== 'forward') return 'Restoring';
  return kind === 'uninstall' ? 'Uninstalling' : 'Installing';
}

function directive(input: Input, { spec }: EnforcerUpgrade, now: Date): DirectedTask {
  return {
    deadline: new Date(now.getTime() + goSeconds(spec.hostTimeout) * 1000).toISOString(),
    id: directiveOf(input.token),
    kind: input.kind,
    mode: spec.mode,
    probes: input.kind === 'install' ? spec.healthProbe : [],
    version: input.version,
  };
}

/** What the host's migration becomes; undefined when the directive was given out before. */
function directed(
  enforcer: Enforcer,
  upgrade: EnforcerUpgrade,
  input: Input,
  revision: number,
  now: Date,
): Migration | undefined {
  const { migration } = enforcer;
  if (migration?.upgrade !== upgrade.ID) throw fail('forbidden', 'another upgrade has the enforcer now');
  const task = directive(input, upgrade, now);
  if (migration.task?.id === task.id || migration.done.includes(task.id)) return undefined;
  const { collect: ____, probes: _, probed: ___, rejected: __, rejects, ...former } = migration;
  // What was counted of an agent that is gone says nothing of the next one; what was usual stays.
  const rest = { ...former, ...(rejects ? { rejects: { ...rejects, after: 0 } } : {}) };
  const directed = now.toISOString();
  return { ...rest, revision, state: stateOf(input), task, directed, started: migration.started ?? directed };
}

/** Times that a write which lost a race is tried again. */
const ATTEMPTS = 5;

/**
 * Tells the runner of a host what to do, in the bundle of its namespace. Whoever reports what came of it ends the task:
 * functions/directives.ts. A host that has not begun is left alone when the upgrade was stopped meanwhile.
 */
export const directEnforcer = task(Input, async (input: Input, deps: TaskDeps) => {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await direct(input, deps);
      return {};
    } catch (error) {
      // Another delivery of the same call may have been faster, or a poke of the host: looking again tells.
      if (!(error instanceof Failure && error.kind === 'conflict') || attempt === ATTEMPTS) throw error;
    }
  }
});

async function direct(input: Input, deps: TaskDeps): Promise<void> {
  const { namespace, ID: id } = input.host;
  const [upgrade, enforcer] = await Promise.all([
    upgradeAt(input, deps),
    deps.store.get({ resource: 'enforcer', namespace, id }),
  ]);
  if (!enforcer) throw fail('not_found', 'the enforcer was deleted');
  if (input.version === '') {
    throw fail('invalid', 'its former version is not known, so it cannot be installed again');
  }
  const begins = input.kind === 'uninstall' && input.purpose === 'forward';
  if (begins && (upgrade.wanted === 'Abort' || upgrade.tripped)) {
    throw fail(
      'locked',
      upgrade.tripped ? 'too many hosts of its wave had failed' : 'the upgrade was aborted',
    );
  }
  const now = deps.clock.now();
  const revision = input.kind === 'install' ? ((await publicationOf(namespace, deps))?.revision ?? 0) : 0;
  const migration = directed(enforcer, upgrade, input, revision, now);
  if (!migration) return;
  await deps.store.commit([
    {
      kind: 'update',
      resource: 'enforcer',
      object: touch('enforcer', { ...enforcer, migration }, now),
      seen: enforcer.updateTime,
    },
    keepToken(namespace, input.token, deps),
  ]);
}

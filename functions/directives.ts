import type { DirectiveAnswer, DirectiveReport } from '../shared/api/upgrade-routes.ts';
import { newObject, newObjectId } from '../shared/core/object.ts';
import type { Enforcer } from '../shared/schema/enforcer.ts';
import { fail } from '../shared/schema/failure.ts';
import { installtoken } from '../shared/schema/installtoken.ts';
import type { DirectedTask, Migration } from '../shared/schema/migration.ts';
import { shown } from './activity.ts';
import type { Handler } from './call.ts';
import type { Deps } from './deps.ts';
import { issueInstallToken } from './install-token.ts';
import { endTask, rewritten } from './upgrade.ts';

type ReportDeps = Pick<Deps, 'store' | 'clock' | 'workflows'>;

/** One that was carried out, so that a report of it that comes again is known. */
const doneWith = ({ done }: Migration, id: DirectedTask['id']): Migration['done'] =>
  [...done.filter(each => each !== id), id].slice(-4);

/** The install token of a directive: for this enforcer alone, half an hour, once. */
async function tokenFor(enforcer: Enforcer, deps: ReportDeps): Promise<string> {
  const { store, clock } = deps;
  const now = clock.now();
  const input = installtoken.input.parse({ name: `upgrade-${enforcer.name}`.slice(0, 256) });
  const object = newObject('installtoken', input, {
    id: newObjectId(now, size => clock.randomBytes(size)),
    namespace: enforcer.namespace,
    now,
  });
  issueInstallToken(object, { clock });
  const bound = { ...object, machineID: enforcer.machineID, enforcerID: enforcer.ID };
  await store.commit([
    { kind: 'require', namespace: enforcer.namespace },
    { kind: 'create', resource: 'installtoken', object: shown('installtoken', bound) },
  ]);
  return object.token ?? '';
}

/**
 * Ends the task of the workflow, and then notes that the directive was carried out. In this order, so that whatever dies
 * in between, the runner finds its directive still there and reports again; a token that was used means nothing then.
 */
async function ended(
  enforcer: Enforcer,
  task: DirectedTask,
  report: DirectiveReport,
  ending: Parameters<typeof endTask>[2],
  deps: ReportDeps,
): Promise<void> {
  await endTask(enforcer.namespace, task.id, ending, deps);
  await rewritten('enforcer', enforcer, deps, ({ migration }) => {
    if (!migration) return undefined;
    // The workflow may have gone on meanwhile.
    const { task: standing, ...rest } = migration;
    const next = standing && standing.id !== task.id ? { task: standing } : {};
    return { migration: { ...rest, ...next, ...measured(report), done: doneWith(migration, task.id) } };
  });
}

/** The runner has removed the agent, and says what is left of it. */
const uninstalled = (enforcer: Enforcer, task: DirectedTask, report: DirectiveReport, deps: ReportDeps) => {
  const cause = `left after the uninstall: ${report.left.join(', ')}`;
  const ending = report.left.length === 0 ? { output: {} } : { error: 'NotClean', cause };
  return ended(enforcer, task, report, ending, deps);
};

const measured = ({ openMilliseconds, probes, rejected }: DirectiveReport): Partial<Migration> => ({
  ...(openMilliseconds === undefined ? {} : { openMilliseconds }),
  ...(probes === undefined ? {} : { probes }),
  ...(rejected === undefined ? {} : { rejected }),
});

const failedDirective = (
  enforcer: Enforcer,
  task: DirectedTask,
  report: DirectiveReport,
  deps: ReportDeps,
) => {
  const cause = `the runner could not ${task.kind} it: ${report.reason || 'it gave no reason'}`;
  return ended(enforcer, task, report, { error: 'RunnerFailed', cause }, deps);
};

/** That a runner has begun: nobody needs to call one. Only hosts that can be called are worth the write. */
const taken = (enforcer: Enforcer, task: DirectedTask, report: DirectiveReport, deps: ReportDeps) =>
  rewritten('enforcer', enforcer, deps, ({ migration }) =>
    migration?.task?.id === task.id && migration.taken !== task.id
      ? { migration: { ...migration, ranBy: report.by ?? 'agent', taken: task.id } }
      : undefined,
  );

/** Of probes the last word counts, whatever the directive has come to since. */
const probed = async (enforcer: Enforcer, report: DirectiveReport, deps: ReportDeps): Promise<unknown> =>
  rewritten('enforcer', enforcer, deps, ({ migration }) =>
    migration
      ? { migration: { ...migration, ...measured(report), probed: deps.clock.now().toISOString() } }
      : undefined,
  );

function refuse(report: DirectiveReport, task: DirectedTask | undefined): never {
  throw fail(
    'conflict',
    `directive ${report.directive} is none of this enforcer's now; ${task ? `it has ${task.id}` : 'it has none'}, which the bundle tells`,
    { attribute: 'directive', value: report.directive },
  );
}

/**
 * What the runner of a host says. It is heard for the directive that the enforcer has, and for the ones it had before,
 * where it repeats itself; for anything else it is refused. The task of the workflow ends at the first report.
 */
export const reportDirective: Handler = async (call, deps) => {
  const enforcer = call.target as Enforcer | undefined;
  const report = call.body as DirectiveReport;
  if (!enforcer)
    throw fail('not_found', `no enforcer with the ID \`${call.params.id}\` in ${call.namespace}`);
  const { migration } = enforcer;
  const task = migration?.task;
  const isDone = migration?.done.includes(report.directive) ?? false;
  if (report.event === 'probed') {
    if (!isDone && task?.id !== report.directive) refuse(report, task);
    await probed(enforcer, report, deps);
    return { body: { repeated: false } satisfies DirectiveAnswer };
  }
  if (isDone) return { body: { repeated: true } satisfies DirectiveAnswer };
  if (!task || task.id !== report.directive) refuse(report, task);
  if (report.event === 'accepted') {
    if (enforcer.instance || report.by === 'ssm') await taken(enforcer, task, report, deps);
    const isInstall = task.kind === 'install';
    return {
      body: { repeated: false, ...(isInstall ? { installToken: await tokenFor(enforcer, deps) } : {}) },
    };
  }
  if (report.event === 'uninstalled' && task.kind !== 'uninstall') {
    throw fail(
      'conflict',
      `directive ${task.id} is to ${task.kind}; it ends with the first poke of the new agent`,
    );
  }
  await (report.event === 'uninstalled' ? uninstalled : failedDirective)(enforcer, task, report, deps);
  return { body: { repeated: false } satisfies DirectiveAnswer };
};

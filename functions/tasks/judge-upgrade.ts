import { z } from 'zod';
import { newObjectId, touch } from '../../shared/core/object.ts';
import { FACTS, preflight, stopping, UNKNOWN_HOST } from '../../shared/core/preflight/preflight.ts';
import { whyUnproven } from '../../shared/core/runner-call.ts';
import type { Write } from '../../shared/ports/object-store.ts';
import type { Enforcer } from '../../shared/schema/enforcer.ts';
import type { EnforcerUpgrade, UpgradeHost } from '../../shared/schema/enforcerupgrade.ts';
import { Failure } from '../../shared/schema/failure.ts';
import type { PreflightContext, PreflightFinding } from '../../shared/schema/host-facts.ts';
import type { NamespacePath } from '../../shared/schema/ids.ts';
import { lineageObjects } from '../pipeline/authorize.ts';
import { preflightContext } from '../preflights.ts';
import { batchAt, rewritten, upgradeAt } from '../upgrade.ts';
import { OfUpgrade } from './plan-upgrade.ts';
import { type TaskDeps, task } from './task.ts';

const Input = z.strictObject(OfUpgrade);

/** Parts that one call judges. */
const PARTS = 4;
/** Seconds in which agents tell what their hosts are, and the least between two looks. */
const PATIENCE = 120;
const LOOK = 5;
/** How the reason of a host begins that failed the preflight. */
const UNFIT = 'preflight: ';

interface Judged {
  host: UpgradeHost;
  findings: readonly PreflightFinding[];
}

const hasTold = ({ facts, lastCollectionID }: Enforcer, { ID }: EnforcerUpgrade): boolean =>
  facts !== undefined && lastCollectionID === ID;

type Contexts = ReadonlyMap<NamespacePath, PreflightContext>;

/** What matters of the namespaces of a part's hosts, each read once. */
async function contextsOf(
  hosts: readonly UpgradeHost[],
  { version }: EnforcerUpgrade,
  { store }: TaskDeps,
): Promise<Contexts> {
  const paths = [...new Set(hosts.map(({ namespace }) => namespace))];
  const read = paths.map(async path => {
    const ancestry = await lineageObjects(store, path);
    return ancestry ? [[path, await preflightContext(path, ancestry, version, store)] as const] : [];
  });
  return new Map((await Promise.all(read)).flat());
}

/** By what the agent told since it was asked. That there is an agent is what an upgrade is about. */
function findingsOf(
  enforcer: Enforcer,
  upgrade: EnforcerUpgrade,
  context: PreflightContext | undefined,
): PreflightFinding[] {
  const { forceChecks } = upgrade.spec;
  // A dead agent tells nothing more; where its runner can be called all the same, what it told last must do.
  const isCalled = enforcer.unreachable && enforcer.verifiedInstance !== undefined;
  if (!enforcer.facts || !context || !(isCalled || hasTold(enforcer, upgrade))) {
    const unproven = enforcer.unreachable ? whyUnproven(enforcer) : undefined;
    const message = [UNKNOWN_HOST.message, ...(unproven ? [unproven] : [])].join('; ');
    return [{ ...UNKNOWN_HOST, message, forced: forceChecks.includes(FACTS) }];
  }
  return preflight(enforcer.facts, context, [...forceChecks, 'existing-agent']).filter(
    ({ check, result }) => result === 'fail' && check !== 'existing-agent',
  );
}

/** A host that fails is nobody's from now on. */
async function judgedHost(
  host: UpgradeHost,
  enforcer: Enforcer | undefined,
  upgrade: EnforcerUpgrade,
  contexts: Contexts,
  deps: TaskDeps,
): Promise<Judged> {
  if (host.state !== 'Pending') return { host, findings: [] };
  if (!enforcer) return { host: { ...host, state: 'Skipped', reason: 'it was deleted' }, findings: [] };
  // An earlier call came so far, and no further.
  const { migration: standing } = enforcer;
  if (standing?.upgrade !== upgrade.ID || standing.state !== 'Pending') {
    const { reason = 'it is no longer of this upgrade' } = standing?.upgrade === upgrade.ID ? standing : {};
    return { host: { ...host, state: 'Skipped', reason }, findings: [] };
  }
  const findings = findingsOf(enforcer, upgrade, contexts.get(host.namespace));
  const failed = stopping(findings);
  if (failed.length === 0) return { host, findings };
  const why = failed.map(({ check, message }) => `${check}: ${message}`).join('; ');
  const reason = `${UNFIT}${why}`.slice(0, 1024);
  try {
    await rewritten('enforcer', host, deps, ({ migration }) => {
      if (migration?.upgrade !== upgrade.ID || migration.state !== 'Pending') return undefined;
      const { collect: _, ...rest } = migration;
      const ended = deps.clock.now().toISOString();
      return { migration: { ...rest, state: 'Skipped', reason, ended }, migrationStatus: 'None' };
    });
  } catch (error) {
    if (!(error instanceof Failure && error.kind === 'not_found')) throw error;
  }
  return { host: { ...host, state: 'Skipped', reason }, findings };
}

/** Hosts on which checks that said no were overridden, and by whose word: an entry of the activity log. */
function overridden(
  judged: readonly Judged[],
  upgrade: EnforcerUpgrade,
  execution: string,
  { clock }: TaskDeps,
): Write[] {
  const forced = judged.flatMap(({ host: { name }, findings }) => {
    const checks = findings.filter(each => each.forced).map(({ check }) => check);
    return checks.length === 0 ? [] : [{ name, checks }];
  });
  if (forced.length === 0) return [];
  const now = clock.now();
  const activity = {
    id: newObjectId(now, size => clock.randomBytes(size)),
    namespace: upgrade.namespace,
    date: now.toISOString(),
    operation: 'create' as const,
    targetIdentity: 'preflight',
    targetID: upgrade.ID,
    claims: upgrade.claims,
    requestID: execution,
    after: { name: upgrade.name, forced, hosts: forced.length },
  };
  return [{ kind: 'activity', activity }];
}

/** Judges the next part; seconds to wait first, where agents may still tell. */
async function judgePart(
  upgrade: EnforcerUpgrade,
  execution: string,
  deps: TaskDeps,
): Promise<EnforcerUpgrade | number> {
  const batch = await batchAt(upgrade, upgrade.judged, deps);
  const enforcers = await Promise.all(
    batch.hosts.map(({ namespace, ID: id }) => deps.store.get({ resource: 'enforcer', namespace, id })),
  );
  const elapsed = (deps.clock.now().getTime() - Date.parse(upgrade.plannedTime ?? '')) / 1000;
  const isAwaited = (one: Enforcer | undefined, at: number): boolean =>
    batch.hosts[at]?.state === 'Pending' && one !== undefined && !one.unreachable && !hasTold(one, upgrade);
  if (elapsed < PATIENCE && enforcers.some(isAwaited)) {
    return Math.max(1, Math.ceil(Math.min(PATIENCE - elapsed, Math.max(LOOK, elapsed / 2))));
  }
  const contexts = await contextsOf(batch.hosts, upgrade, deps);
  const judged = await Promise.all(
    batch.hosts.map((host, at) => judgedHost(host, enforcers[at], upgrade, contexts, deps)),
  );
  const hosts = judged.map(({ host }) => host);
  // By what is kept of them: an earlier call, which came no further, may have left them alone.
  const left = hosts.filter(({ state }, at) => state === 'Skipped' && batch.hosts[at]?.state === 'Pending');
  const unfit = left.filter(({ reason }) => reason.startsWith(UNFIT)).length;
  const unknown = judged.filter(
    ({ host, findings }) =>
      findings.some(({ check }) => check === FACTS) ||
      (left.includes(host) && host.reason.startsWith(`${UNFIT}${FACTS}: `)),
  ).length;
  const count = upgrade.waves.reduce((sum, { batches }) => sum + batches.length, 0);
  const now = deps.clock.now();
  const after = touch(
    'enforcerupgrade',
    {
      ...upgrade,
      judged: upgrade.judged + 1,
      unfit: upgrade.unfit + unfit,
      unknown: upgrade.unknown + unknown,
      waves: upgrade.waves.map(wave =>
        wave.batches.includes(batch.number) ? { ...wave, skipped: wave.skipped + left.length } : wave,
      ),
      status: upgrade.judged + 1 >= count ? ('Running' as const) : upgrade.status,
    },
    now,
  );
  await deps.store.commit([
    { kind: 'update', resource: 'enforcerupgrade', object: after, seen: upgrade.updateTime },
    ...(left.length > 0
      ? [
          {
            kind: 'update' as const,
            resource: 'upgradebatch' as const,
            object: touch('upgradebatch', { ...batch, hosts }, now),
            seen: batch.updateTime,
          },
        ]
      : []),
    ...overridden(judged, upgrade, execution, deps),
  ]);
  return after;
}

/**
 * The preflight of every host, by what its agent has told since it was asked: a few parts at a call. Waits for agents that have not
 * told, for two minutes; whoever was not heard of for long is not waited for. Answers in how many seconds to go on, and `done`.
 */
export const judgeUpgrade = task(Input, async (input, deps) => {
  let upgrade = await upgradeAt(input, deps);
  const parts = upgrade.waves.reduce((sum, { batches }) => sum + batches.length, 0);
  for (let turn = 0; turn < PARTS && upgrade.judged < parts; turn += 1) {
    const next = await judgePart(upgrade, input.execution, deps);
    if (typeof next === 'number') return { done: false, wait: next };
    upgrade = next;
  }
  return { done: upgrade.judged >= parts, wait: 0 };
});

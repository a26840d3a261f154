import { ShownUpgrade, type UpgradePlan } from '../../shared/api/upgrade-routes.ts';
import { effectiveNamespace } from '../../shared/core/namespace.ts';
import { newObject, newObjectId, touch } from '../../shared/core/object.ts';
import { checkForced, preflight, stopping } from '../../shared/core/preflight/preflight.ts';
import { expressionMatches } from '../../shared/core/tags.ts';
import { wavesOf } from '../../shared/core/upgrade.ts';
import { isNewer, resolveVersion } from '../../shared/core/versions.ts';
import type { Enforcer } from '../../shared/schema/enforcer.ts';
import {
  ENDED,
  type EnforcerUpgrade,
  enforcerupgrade,
  type UpgradeSpec,
} from '../../shared/schema/enforcerupgrade.ts';
import { fail } from '../../shared/schema/failure.ts';
import type { PreflightContext, PreflightFinding } from '../../shared/schema/host-facts.ts';
import { lineage, ROOT } from '../../shared/schema/ids.ts';
import { SETTLED } from '../../shared/schema/migration.ts';
import { activity } from '../activity.ts';
import type { Call, Handler } from '../call.ts';
import type { Deps } from '../deps.ts';
import { arranged } from '../list.ts';
import { listParameters } from '../list-parameters.ts';
import { everyIn } from '../pipeline/authorize.ts';
import { answerStep } from '../pipeline/idempotency.ts';
import { preflightContext } from '../preflights.ts';
import { holderOf } from '../tasks/plan-upgrade.ts';
import { endTaskByToken, upgradeAt } from '../upgrade.ts';
import { pageOfHosts, progressOf } from '../upgrade-progress.ts';

const shownUpgrade = (upgrade: EnforcerUpgrade): ShownUpgrade => {
  const { cursor: _, pauseToken: __, normalizedTags: ___, ...shown } = upgrade;
  return shown;
};

/** The enforcers that the upgrade means, now. */
async function targetsOf(
  spec: UpgradeSpec,
  { namespace }: Call,
  { store }: Pick<Deps, 'store'>,
): Promise<Enforcer[]> {
  const found: Enforcer[] = [];
  let after: string | undefined;
  do {
    const query = { limit: 1000, ...(after === undefined ? {} : { after }) };
    const page = spec.recursive
      ? await store.listTree('enforcer', namespace, query)
      : await store.list('enforcer', namespace, query);
    found.push(
      ...page.items.filter(({ normalizedTags }) => expressionMatches(spec.selector, normalizedTags)),
    );
    after = page.next;
  } while (after !== undefined);
  if (found.length > 0) return found;
  throw fail('invalid', `no enforcer in ${namespace} is selected; look with apoctl api list enforcers -r`, {
    attribute: 'selector',
    value: spec.selector,
  });
}

function refuseDowngrade(targets: readonly Enforcer[], version: string, spec: UpgradeSpec): void {
  const newer = targets.filter(({ currentVersion }) => isNewer(currentVersion, version));
  const [first] = newer;
  if (!first || spec.allowDowngrade) return;
  throw fail(
    'invalid',
    `${newer.length} of the hosts have a newer version than ${version}, such as ${first.name} with ${first.currentVersion}; say allowDowngrade to go back`,
    { attribute: 'targetVersion', value: spec.targetVersion },
  );
}

/** A host that an upgrade has is not taken from it. */
async function refuseOverlap(targets: readonly Enforcer[], deps: Pick<Deps, 'store'>): Promise<void> {
  const asked = new Map<string, EnforcerUpgrade | undefined>();
  for (const enforcer of targets) {
    const { migration, namespace, name } = enforcer;
    if (!migration || SETTLED.includes(migration.state)) continue;
    const { upgrade } = migration;
    if (!asked.has(upgrade)) {
      asked.set(upgrade, await holderOf(enforcer, undefined, lineage(namespace).slice(1), deps));
    }
    const other = asked.get(upgrade);
    if (!other) continue;
    throw fail(
      'conflict',
      `host ${name} belongs to the upgrade ${other.ID} (${other.name}) in ${other.namespace}, which is ${other.status}; wait for it or abort it`,
      { attribute: 'selector', value: other.ID },
    );
  }
}

/** Every host is asked again what it is: here is what they told last. */
function warningsOf(targets: readonly Enforcer[], unfit: readonly { name: string }[]): string[] {
  const silent = targets.filter(({ facts }) => !facts).map(({ name }) => name);
  const named = (names: readonly string[]): string =>
    `${names.slice(0, 3).join(', ')}${names.length > 3 ? ` and ${names.length - 3} more` : ''}`;
  const failing = unfit.map(({ name }) => name);
  return [
    ...(silent.length === 0
      ? []
      : [
          `the agents of ${silent.length} of ${targets.length} hosts have never told what their hosts are, and fail the preflight if they do not when they are asked: ${named(silent)}`,
        ]),
    ...(failing.length === 0
      ? []
      : [
          `${failing.length} of ${targets.length} hosts fail the preflight by what their agents told last: ${named(failing)}`,
        ]),
  ];
}

/** Hosts that fail the preflight, by the facts that their agents told. */
function unfitOf(
  targets: readonly Enforcer[],
  context: PreflightContext,
  spec: UpgradeSpec,
): { ID: Enforcer['ID']; name: string; findings: PreflightFinding[] }[] {
  checkForced(spec.forceChecks);
  return targets.flatMap(({ ID, name, facts }) => {
    if (!facts) return [];
    const findings = stopping(preflight(facts, context, [...spec.forceChecks, 'existing-agent']));
    return findings.length === 0 ? [] : [{ ID, name, findings }];
  });
}

const createEnforcerUpgrade: Handler = async (call, deps) => {
  const spec = call.body as UpgradeSpec;
  if (call.lineage.length === 0)
    throw fail('invalid', 'no enforcers live in /; begin the upgrade in a tenant or below');
  const releases = await everyIn(deps.store, 'enforcerrelease', ROOT);
  const inherited = effectiveNamespace(call.lineage).defaultEnforcerVersion.value;
  const { version } = resolveVersion(spec.targetVersion, releases, inherited);
  const targets = await targetsOf(spec, call, deps);
  refuseDowngrade(targets, version, spec);
  await refuseOverlap(targets, deps);
  const context = await preflightContext(call.namespace, call.lineage, version, deps.store);
  const unfit = unfitOf(targets, context, spec);
  const now = deps.clock.now();
  const waves = wavesOf(targets.length, spec);
  const upgrade: EnforcerUpgrade = {
    ...newObject(
      'enforcerupgrade',
      enforcerupgrade.input.parse({ name: spec.name, description: spec.description, spec }),
      {
        id: newObjectId(now, size => deps.clock.randomBytes(size)),
        namespace: call.namespace,
        now,
      },
    ),
    status: spec.schedule === undefined ? 'Planning' : 'Scheduled',
    version,
    targets: targets.length,
    waves: waves.map(hosts => ({ hosts, batches: [], skipped: 0 })),
    claims: [...call.caller.claims],
  };
  const messages = warningsOf(targets, unfit);
  const current = targets.filter(({ currentVersion }) => currentVersion === version).length;
  if (call.dryRun) {
    const unknown = targets.filter(({ facts }) => !facts).length;
    const plan = { waves, current, unknown, unfit: unfit.slice(0, 100) };
    return { body: { ...shownUpgrade(upgrade), plan } satisfies UpgradePlan, messages };
  }
  await deps.store.commit([
    ...answerStep(call, { body: shownUpgrade(upgrade), messages }, deps),
    { kind: 'require', namespace: call.namespace },
    { kind: 'create', resource: 'enforcerupgrade', object: upgrade },
    activity('enforcerupgrade', 'create', call, deps, { after: upgrade }),
  ]);
  return { body: shownUpgrade(upgrade), messages };
};

const upgradeOf = (call: Call, deps: Deps): Promise<EnforcerUpgrade> =>
  upgradeAt({ namespace: call.namespace, ID: (call.params.id ?? '') as EnforcerUpgrade['ID'] }, deps);

const LISTED = { identity: 'enforcerupgrade', stored: ShownUpgrade, defaultOrder: 'ID' };

const listEnforcerUpgrades: Handler = async (call, deps) =>
  arranged(
    (await everyIn(deps.store, 'enforcerupgrade', call.namespace)).map(shownUpgrade),
    LISTED,
    call,
    deps,
  );

const getEnforcerUpgrade: Handler = async (call, deps) => {
  const upgrade = await upgradeOf(call, deps);
  return { body: { ...shownUpgrade(upgrade), progress: await progressOf(upgrade, deps) } };
};

/** Hosts of a page, where nobody says. */
const PAGE = 1000;

const listUpgradeHosts: Handler = async (call, deps) => {
  const { after = '0', limit = PAGE } = listParameters(call);
  if (!/^\d{1,6}$/.test(after)) {
    throw fail(
      'bad_request',
      `query parameter after is \`${after}\`; take it from X-Next of the page before`,
    );
  }
  const upgrade = await upgradeOf(call, deps);
  const { hosts, next } = await pageOfHosts(upgrade, { from: Number(after), limit }, deps);
  return { body: hosts, ...(next === undefined ? {} : { next: String(next) }) };
};

/** What was asked last counts, as long as the upgrade has not ended. */
const command =
  (wanted: EnforcerUpgrade['wanted']): Handler =>
  async (call, deps) => {
    const before = await upgradeOf(call, deps);
    if (ENDED.includes(before.status)) {
      throw fail('conflict', `the upgrade has ended: it is ${before.status}; begin another one`);
    }
    const status = before.status === 'Paused' && wanted !== 'Pause' ? 'Running' : before.status;
    const after = touch('enforcerupgrade', { ...before, wanted, status }, deps.clock.now());
    await deps.store.commit([
      { kind: 'update', resource: 'enforcerupgrade', object: after, seen: before.updateTime },
      activity('enforcerupgrade', 'update', call, deps, {
        before: { ...before, pauseToken: '' },
        after: { ...after, pauseToken: '' },
      }),
    ]);
    // Sent after it was written, and again by whoever asks again: a token that was used means nothing.
    if (wanted !== 'Pause' && before.pauseToken !== '') await endTaskByToken(before.pauseToken, deps);
    return { body: shownUpgrade(after) };
  };

export const upgrades = {
  createEnforcerUpgrade,
  listEnforcerUpgrades,
  getEnforcerUpgrade,
  listUpgradeHosts,
  pauseEnforcerUpgrade: command('Pause'),
  resumeEnforcerUpgrade: command('Run'),
  abortEnforcerUpgrade: command('Abort'),
};

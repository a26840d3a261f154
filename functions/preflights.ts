import type { PreflightAnswer, PreflightRequest } from '../shared/api/enforcer-messages.ts';
import { effectiveNamespace } from '../shared/core/namespace.ts';
import { newObjectId } from '../shared/core/object.ts';
import { preflight, stopping } from '../shared/core/preflight/preflight.ts';
import { ignoresDefender } from '../shared/core/presets.ts';
import type { ObjectStore } from '../shared/ports/object-store.ts';
import type { PreflightContext } from '../shared/schema/host-facts.ts';
import { lineage, type NamespacePath } from '../shared/schema/ids.ts';
import type { Namespace } from '../shared/schema/namespace.ts';
import { Tag } from '../shared/schema/tag.ts';
import type { Call, Handler } from './call.ts';
import type { Deps } from './deps.ts';
import { everyIn } from './pipeline/authorize.ts';
import { chosenProfile } from './profiles.ts';

const ENFORCER = Tag.parse('$identity=enforcer');

/** What the control plane knows of a namespace that matters to an install in it. */
export async function preflightContext(
  namespace: NamespacePath,
  ancestry: readonly Namespace[],
  wantedVersion: string,
  store: ObjectStore,
): Promise<PreflightContext> {
  const [mappings, profile] = await Promise.all([
    Promise.all(lineage(namespace).map(path => everyIn(store, 'namespacemappingpolicy', path))),
    chosenProfile([ENFORCER], namespace, store),
  ]);
  const { incoming, outgoing } = effectiveNamespace(ancestry);
  return {
    wantedVersion,
    enforcerMappings: mappings
      .flat()
      .filter(({ disabled, subject }) => !disabled && subject.some(clause => clause.includes(ENFORCER)))
      .map(({ name }) => name)
      .sort(),
    isEnforcing: incoming.value === 'Reject' || outgoing.value === 'Reject',
    profileIgnoresDefender: profile !== undefined && ignoresDefender(profile.profile),
  };
}

/** Who went on though a check said no: an entry of the activity log. */
async function noteForced(call: Call, answer: PreflightAnswer, deps: Deps): Promise<void> {
  const forced = answer.findings.filter(finding => finding.forced);
  if (forced.length === 0) return;
  const now = deps.clock.now();
  const activity = {
    id: newObjectId(now, size => deps.clock.randomBytes(size)),
    namespace: call.namespace,
    date: now.toISOString(),
    operation: 'create' as const,
    targetIdentity: 'preflight',
    claims: call.caller.claims,
    source: call.caller.address,
    requestID: call.requestID,
    after: { name: (call.body as PreflightRequest).host, forced },
  };
  await deps.store.commit([{ kind: 'activity', activity }]);
}

/** Judges a host before an agent is installed on it in this namespace. */
export const createPreflight: Handler = async (call, deps) => {
  const { facts, forceChecks, targetVersion } = call.body as PreflightRequest;
  const context = await preflightContext(call.namespace, call.lineage, targetVersion, deps.store);
  const findings = preflight(facts, context, forceChecks);
  const answer: PreflightAnswer = { mayInstall: stopping(findings).length === 0, findings };
  await noteForced(call, answer, deps);
  return { body: answer };
};

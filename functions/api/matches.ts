import type { ClausesMatch, ClausesMatchRequest } from '../../shared/api/policy-messages.ts';
import { compile } from '../../shared/core/compile.ts';
import { profileOf } from '../../shared/core/profile.ts';
import { expressionMatches } from '../../shared/core/tags.ts';
import { PolicyPayload } from '../../shared/schema/bundle.ts';
import { fail } from '../../shared/schema/failure.ts';
import { isWithin, type NamespacePath } from '../../shared/schema/ids.ts';
import type { NetworkRuleSetPolicy } from '../../shared/schema/networkrulesetpolicy.ts';
import type { Identity, ObjectOf } from '../../shared/schema/resources.ts';
import type { Tag } from '../../shared/schema/tag.ts';
import type { Call, Handler } from '../call.ts';
import type { Deps } from '../deps.ts';
import { leftOut, maySee, refuseUnseen } from '../held.ts';
import { everything, list } from '../list.ts';
import { loadView } from '../load.ts';
import { wiresIn } from '../wires.ts';

type Clauses = readonly (readonly Tag[])[];

const MODES = ['subject', 'object'] as const;

/** `?mode=`: by which side of the policy objects are looked for. The original's default is `object`. */
function modeOf({ query }: Call): (typeof MODES)[number] {
  const [mode = 'object'] = query.mode ?? [];
  const known = MODES.find(one => one === mode.toLowerCase());
  if (known) return known;
  throw fail('bad_request', `query parameter mode is \`${mode}\`; write subject or object`);
}

/** The object of the path; its caller may see what is listed of it too. */
function targetOf<I extends Identity>(identity: I, listed: Identity, call: Call): ObjectOf<I> {
  if (!call.target) {
    throw fail('not_found', `no ${identity} with the ID \`${call.params.id}\` in ${call.namespace}`);
  }
  refuseUnseen(listed, call);
  return call.target as ObjectOf<I>;
}

/** Lists with what is below, whatever the request says of it: a policy decides how far it reaches. */
const reaching = (call: Call, flags: readonly string[]): Call => ({
  ...call,
  query: { ...call.query, ...Object.fromEntries(flags.map(flag => [flag, ['true']])) },
});

const objectsOf = ({ incomingRules, outgoingRules }: NetworkRuleSetPolicy): Clauses =>
  [...incomingRules, ...outgoingRules].flatMap(({ object }) => object);

const listRulesetUnits: Handler = async (call, deps) => {
  const ruleset = targetOf('networkrulesetpolicy', 'processingunit', call);
  const subject = modeOf(call) === 'subject';
  // Whom a ruleset names may live anywhere in the tenant; here are those that the request can see.
  const recursive = !subject || ruleset.propagate;
  const wires = await wiresIn(call, recursive, deps);
  const clauses = subject ? ruleset.subject : objectsOf(ruleset);
  return list('processingunit', reaching(call, recursive ? ['recursive'] : []), deps, unit =>
    expressionMatches(clauses, wires(unit)),
  );
};

const listRulesetNetworks: Handler = async (call, deps) => {
  const ruleset = targetOf('networkrulesetpolicy', 'externalnetwork', call);
  // An external network is nobody's subject.
  const clauses = modeOf(call) === 'subject' ? [] : objectsOf(ruleset);
  const wires = await wiresIn(call, ruleset.propagate, deps);
  const flags = ['propagated', ...(ruleset.propagate ? ['recursive'] : [])];
  return list('externalnetwork', reaching(call, flags), deps, network =>
    // Inherited ones count as the ruleset's namespace reads them.
    expressionMatches(
      clauses,
      wires(
        isWithin(network.namespace, call.namespace) ? network : { ...network, namespace: call.namespace },
      ),
    ),
  );
};

const listMappedUnits: Handler = async (call, deps) => {
  const { subject } = targetOf('namespacemappingpolicy', 'processingunit', call);
  return list('processingunit', reaching(call, ['recursive']), deps, unit =>
    expressionMatches(subject, unit.normalizedTags),
  );
};

const listMappingEnforcers: Handler = async (call, deps) => {
  const { subject, propagate } = targetOf('enforcerprofilemappingpolicy', 'enforcer', call);
  return list('enforcer', reaching(call, propagate ? ['recursive'] : []), deps, enforcer =>
    expressionMatches(subject, enforcer.normalizedTags),
  );
};

const listMappingProfiles: Handler = async (call, deps) => {
  const { object } = targetOf('enforcerprofilemappingpolicy', 'enforcerprofile', call);
  return list('enforcerprofile', reaching(call, ['propagated']), deps, profile =>
    expressionMatches(object, profile.normalizedTags),
  );
};

/** The profile that counts for an enforcer, a list of one, and in the messages why it is that one. */
const listEnforcerProfiles: Handler = async (call, deps) => {
  const enforcer = targetOf('enforcer', 'enforcerprofile', call);
  const { payloads } = compile(await loadView(deps.store, call.namespace), call.namespace);
  const text = Buffer.from(payloads['policy.json']).toString();
  const { profileMappings, profiles } = PolicyPayload.parse(JSON.parse(text));
  const chosen = profileOf(enforcer.normalizedTags, profileMappings, profiles);
  if (!chosen) {
    return { body: [], total: 0, messages: ['no mapping gives this enforcer a profile'] };
  }
  const { profile, mapping, because } = chosen;
  const found = await deps.store.get({
    resource: 'enforcerprofile',
    namespace: profile.namespace,
    id: profile.ID,
  });
  const over =
    'over' in chosen
      ? `, before profile \`${chosen.over.profile.name}\` by mapping \`${chosen.over.mapping.name}\` in ${chosen.over.mapping.namespace}`
      : '';
  const message = `profile \`${profile.name}\` by mapping \`${mapping.name}\` in ${mapping.namespace}: ${because}${over}`;
  return { body: found ? [found] : [], total: found ? 1 : 0, messages: [message] };
};

const isOver = (time: string | undefined, { clock }: Pick<Deps, 'clock'>): boolean =>
  time !== undefined && Date.parse(time) <= clock.now().getTime();

/** Those that mappings give an enforcer, and where only fallbacks do, theirs. */
const listEnforcerHostServices: Handler = async (call, deps) => {
  const { normalizedTags } = targetOf('enforcer', 'hostservice', call);
  const above = reaching(call, ['propagated']);
  const all = await everything(
    'hostservicemappingpolicy',
    { ...above, query: { propagated: ['true'] } },
    deps,
  );
  const mine = all.filter(
    ({ subject, disabled, expirationTime }) =>
      !disabled && !isOver(expirationTime, deps) && expressionMatches(subject, normalizedTags),
  );
  const firm = mine.filter(({ fallback }) => !fallback);
  const clauses = (firm.length > 0 ? firm : mine).flatMap(({ object }) => object);
  const reply = await list('hostservice', above, deps, service =>
    expressionMatches(clauses, service.normalizedTags),
  );
  return { ...reply, messages: ['host services have no effect any more'] };
};

const inShort = ({ ID, name, namespace }: ObjectOf<'processingunit' | 'externalnetwork'>) => ({
  ID,
  name,
  namespace: namespace as NamespacePath,
});

const matchClauses: Handler = async (call, deps) => {
  const { clauses } = call.body as ClausesMatchRequest;
  const below = reaching(call, ['recursive']);
  const [wires, units, networks] = await Promise.all([
    wiresIn(call, true, deps),
    maySee('processingunit', call) ? everything('processingunit', below, deps) : [],
    maySee('externalnetwork', call) ? everything('externalnetwork', below, deps) : [],
  ]);
  const body: ClausesMatch = {
    clauses,
    processingUnits: units.filter(unit => expressionMatches(clauses, wires(unit))).map(inShort),
    externalNetworks: networks.filter(network => expressionMatches(clauses, wires(network))).map(inShort),
  };
  return { body, messages: leftOut(['processingunit', 'externalnetwork'], call) };
};

export const matches = {
  listRulesetUnits,
  listRulesetNetworks,
  listMappedUnits,
  listMappingEnforcers,
  listMappingProfiles,
  listEnforcerHostServices,
  listEnforcerProfiles,
  matchClauses,
};

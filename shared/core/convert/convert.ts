import type { Finding, LegacyExport } from '../../schema/conversion.ts';
import { type Identity, identityNamed, resourceOf } from '../../schema/resources.ts';
import { settleFallbacks } from './fallback.ts';
import { findingList, type Note } from './findings.ts';
import {
  cleanMapping,
  cleanNetwork,
  noteAbove,
  noteHostService,
  noteHostServiceMapping,
} from './leftovers.ts';
import { Names } from './names.ts';
import { LegacyNetworks } from './networks.ts';
import { relativePath } from './place.ts';
import { type LegacyPolicy, networksOf, objectsOf, policiesOf } from './read.ts';
import { type Draft, draftsOf } from './rulesets.ts';

export interface ConversionOptions {
  /** Exports of ancestors of the namespace, in any order: what propagates from them counts. */
  ancestors?: readonly LegacyExport[];
  /** Ends the name of every ruleset that is made, such as `-v2`. */
  suffix?: string;
}

export interface Conversion {
  export: LegacyExport;
  findings: Finding[];
}

type Fields = Record<string, unknown>;

/** Left out of the result: rulesets take their place. */
const REPLACED: readonly Identity[] = ['networkaccesspolicy', 'hostservice', 'hostservicemappingpolicy'];

/**
 * A legacy export as one of today: network policies become rulesets, external networks lose their ports, and what is
 * lost is told. What the rulesets decide is what the policies decided, or less: docs/decisions, "conversion".
 * Converting the result again changes nothing.
 *
 * @throws `invalid` for an object that cannot be read, with where it stands: nothing is left out silently
 */
export function convert(legacy: LegacyExport, options: ConversionOptions = {}): Conversion {
  const list = findingList();
  const { note } = list;
  const ancestors = options.ancestors ?? [];
  const above = ancestors.flatMap(ancestor => policiesOf(ancestor, true));
  const rulesets = rulesetsOf(legacy, above, options, note);
  for (const { object } of objectsOf(legacy, 'hostservice')) noteHostService(object, note);
  for (const { object } of objectsOf(legacy, 'hostservicemappingpolicy'))
    noteHostServiceMapping(object, note);
  const data: Record<string, Fields[]> = {};
  for (const [key, objects] of Object.entries(legacy.data)) {
    const identity = identityNamed(key);
    if (identity && REPLACED.includes(identity)) continue;
    data[key] = objects.flatMap((object, at): Fields[] => {
      if (identity === 'externalnetwork') return [cleanNetwork(object, `${key}[${at}]`, note)];
      return identity === 'namespacemappingpolicy' ? cleanMapping(object, note) : [object];
    });
  }
  if (rulesets.length > 0) {
    const { plural } = resourceOf('networkrulesetpolicy');
    data[plural] = [...(data[plural] ?? []), ...rulesets];
  }
  return {
    export: { ...legacy, APIVersion: 1, identities: identitiesOf(legacy, rulesets.length > 0), data },
    findings: list.findings,
  };
}

function rulesetsOf(
  legacy: LegacyExport,
  above: readonly LegacyPolicy[],
  { ancestors = [], suffix = '' }: ConversionOptions,
  note: Note,
): Fields[] {
  const names = new Names();
  for (const { object } of objectsOf(legacy, 'networkrulesetpolicy'))
    names.take(relativePath(String(object.namespace ?? '')), String(object.name));
  const networks = new LegacyNetworks([
    ...networksOf(legacy, false),
    ...ancestors.flatMap(one => networksOf(one, true)),
  ]);
  for (const policy of above) noteAbove(policy, networks, note);
  const { policies, hasFallback } = settleFallbacks(policiesOf(legacy, false), above, note);
  return policies.flatMap(policy =>
    draftsOf(policy, { networks, hasFallback }, note).map(draft =>
      rulesetOf(policy, draft, names.make(policy.namespace, policy.name, draft.part, suffix)),
    ),
  );
}

/** As an export writes it: what is as it is by default is not said. */
function rulesetOf(policy: LegacyPolicy, draft: Draft, name: string): Fields {
  const { namespace, description, subject, incomingRules, outgoingRules, disabled } = { ...policy, ...draft };
  const { propagate, fallback, associatedTags, annotations, metadata } = policy;
  const said: Fields = { name, description, namespace, subject, incomingRules, outgoingRules, propagate };
  Object.assign(said, {
    fallback,
    disabled,
    protected: policy.protected,
    associatedTags,
    annotations,
    metadata,
  });
  return Object.fromEntries(Object.entries(said).filter(([, value]) => !isDefault(value)));
}

const isDefault = (value: unknown): boolean =>
  value === '' ||
  value === false ||
  (typeof value === 'object' && value !== null && Object.keys(value).length === 0);

/** Singular names; an empty list stays empty. */
function identitiesOf({ identities }: LegacyExport, hasRulesets: boolean): string[] {
  const kept = identities.filter(name => {
    const identity = identityNamed(name);
    return !identity || !REPLACED.includes(identity);
  });
  const isNew = hasRulesets && identities.length > 0 && !kept.includes('networkrulesetpolicy');
  return isNew ? [...kept, 'networkrulesetpolicy'] : kept;
}

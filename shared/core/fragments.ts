import type {
  BundleExternalNetwork,
  BundleNamespace,
  BundleNamespaceMapping,
  BundleProfile,
  BundleProfileMapping,
  BundleRuleSet,
  DirectivesPayload,
} from '../schema/bundle.ts';
import type { Enforcer } from '../schema/enforcer.ts';
import type { EnforcerProfile } from '../schema/enforcerprofile.ts';
import type { EnforcerProfileMappingPolicy } from '../schema/enforcerprofilemappingpolicy.ts';
import type { ExternalNetwork } from '../schema/externalnetwork.ts';
import type { NetworkRule, NetworkRuleSetPolicy } from '../schema/networkrulesetpolicy.ts';
import type { ProcessingUnit } from '../schema/processingunit.ts';
import type { Tag } from '../schema/tag.ts';
import type { Mapping } from './mapping.ts';
import type { EffectiveNamespace } from './namespace.ts';
import type { Held } from './shelf.ts';
import { canonicalExpression, clauseKey } from './tags.ts';
import type { KeyedClause, RuleSetParts } from './view.ts';

/*
 * The entries of payloads as canonical JSON: every literal below lists its keys in lexicographic order (upper case
 * first), and every list is sorted, so that JSON.stringify gives the same bytes for equal objects. Lists keep their
 * order where a position has a meaning: rules are named by their index.
 */

/** The list itself when it is in order, else a sorted copy. */
export function sorted<T extends string>(list: readonly T[]): readonly T[] {
  for (let at = 1; at < list.length; at++)
    if ((list[at] ?? '') < (list[at - 1] ?? '')) return [...list].sort();
  return list;
}

const distinct = <T extends string>(list: readonly T[]): T[] =>
  list.length < 2 ? [...list] : [...new Set(sorted(list))];

const ruleEntry = (rule: NetworkRule): NetworkRule => ({
  action: rule.action,
  logsDisabled: rule.logsDisabled,
  name: rule.name,
  object: canonicalExpression(rule.object),
  observationEnabled: rule.observationEnabled,
  protocolPorts:
    rule.protocolPorts.length === 0 ? [] : distinct(rule.protocolPorts.map(port => port.toLowerCase())),
});

/** A ruleset's entry, with the object clauses of its rules. */
function ruleSetParts(ruleset: NetworkRuleSetPolicy): RuleSetParts {
  const entry: BundleRuleSet = {
    ID: ruleset.ID,
    fallback: ruleset.fallback,
    incomingRules: ruleset.incomingRules.map(ruleEntry),
    name: ruleset.name,
    namespace: ruleset.namespace,
    outgoingRules: ruleset.outgoingRules.map(ruleEntry),
    propagate: ruleset.propagate,
    subject: canonicalExpression(ruleset.subject),
  };
  const clauses: KeyedClause[] = [];
  for (const rules of [entry.incomingRules, entry.outgoingRules])
    for (const { object } of rules)
      for (const clause of object) clauses.push({ key: clauseKey(clause), clause });
  return { json: JSON.stringify(entry), clauses };
}

/** The same for a ruleset in a view. Kept when it propagates, because then many bundles hold it. */
export const partsOf = (held: Held<NetworkRuleSetPolicy, RuleSetParts>): RuleSetParts => {
  if (held.derived) return held.derived;
  const parts = ruleSetParts(held.object);
  if (held.object.propagate) held.derived = parts;
  return parts;
};

export function externalNetworkJson(network: ExternalNetwork): string {
  const entry: BundleExternalNetwork = {
    ID: network.ID,
    entries: distinct(network.entries),
    name: network.name,
    namespace: network.namespace,
    propagate: network.propagate,
    tags: distinct(network.normalizedTags),
  };
  return JSON.stringify(entry);
}

export function profileJson(profile: EnforcerProfile): string {
  const entry: BundleProfile = {
    ID: profile.ID,
    excludedInterfaces: distinct(profile.excludedInterfaces),
    excludedNetworks: distinct(profile.excludedNetworks),
    ignoreExpression: canonicalExpression(profile.ignoreExpression),
    maxStale: profile.maxStale,
    name: profile.name,
    namespace: profile.namespace,
    propagate: profile.propagate,
    staleAction: profile.staleAction,
    tags: distinct(profile.normalizedTags),
    targetNetworks: distinct(profile.targetNetworks),
    targetUDPNetworks: distinct(profile.targetUDPNetworks),
    trustedCAs: distinct(profile.trustedCAs),
  };
  return JSON.stringify(entry);
}

export function profileMappingJson(mapping: EnforcerProfileMappingPolicy): string {
  const entry: BundleProfileMapping = {
    ID: mapping.ID,
    fallback: mapping.fallback,
    name: mapping.name,
    namespace: mapping.namespace,
    object: canonicalExpression(mapping.object),
    propagate: mapping.propagate,
    subject: canonicalExpression(mapping.subject),
    updateTime: mapping.updateTime,
  };
  return JSON.stringify(entry);
}

export function namespaceMappingJson(mapping: Mapping): string {
  const entry: BundleNamespaceMapping = {
    ID: mapping.ID,
    mappedNamespace: mapping.mappedNamespace,
    name: mapping.name,
    namespace: mapping.namespace,
    subject: canonicalExpression(mapping.subject),
  };
  return JSON.stringify(entry);
}

export function namespaceJson(values: EffectiveNamespace): string {
  const entry: BundleNamespace = {
    incoming: { action: values.incoming.value, namespace: values.incoming.namespace },
    outgoing: { action: values.outgoing.value, namespace: values.outgoing.namespace },
    path: values.path,
    tagPrefixEnforcement: values.tagPrefixEnforcement.value,
    tagPrefixes: [...values.tagPrefixes],
  };
  return JSON.stringify(entry);
}

export function peerJson(unit: ProcessingUnit, tags: readonly Tag[]): string {
  // IDs, addresses and paths hold nothing that JSON would escape.
  const addresses = distinct(unit.addresses).map(address => `"${address}"`);
  return `{"ID":"${unit.ID}","addresses":[${addresses.join(',')}],"namespace":"${unit.namespace}","tags":${JSON.stringify(tags)}}`;
}

/** `targetVersion`: the default of the enforcer's namespace; empty means the latest. */
export function directiveJson(enforcer: Enforcer, targetVersion: string): string {
  const entry: DirectivesPayload['enforcers'][number] = {
    ID: enforcer.ID,
    logLevel: enforcer.logLevel,
    name: enforcer.name,
    targetVersion,
  };
  return JSON.stringify(entry);
}

import type {
  BundleExternalNetwork,
  BundleNamespaceMapping,
  BundleProfile,
  BundleProfileMapping,
  DirectivesPayload,
} from '../schema/bundle.ts';
import type { Enforcer } from '../schema/enforcer.ts';
import type { EnforcerProfile } from '../schema/enforcerprofile.ts';
import type { EnforcerProfileMappingPolicy } from '../schema/enforcerprofilemappingpolicy.ts';
import type { ExternalNetwork } from '../schema/externalnetwork.ts';
import type { DirectedTask } from '../schema/migration.ts';
import type { NetworkRule, NetworkRuleSetPolicy } from '../schema/networkrulesetpolicy.ts';
import type { ProcessingUnit } from '../schema/processingunit.ts';
import type { Tag } from '../schema/tag.ts';
import type { Mapping } from './mapping.ts';
import type { EffectiveNamespace } from './namespace.ts';
import type { Held } from './shelf.ts';
import { canonicalClauses, distinct, type KeyedClause } from './tags.ts';
import type { RuleSetParts } from './view.ts';

/*
 * The entries of payloads as canonical JSON: every literal and every template below lists its keys in lexicographic
 * order (upper case first), and every list is sorted, so that equal objects give the same bytes. Lists keep their order
 * where a position has a meaning: rules are named by their index. Rulesets and peers are by far the most, so they are
 * written as text; a test reads every entry back with the schemas of shared/schema/bundle.ts.
 */

/** Texts that hold nothing that JSON would escape: IDs, paths, addresses, words of an enumeration. */
const quoted = (plain: string): string => `"${plain}"`;

const clausesJson = (clauses: readonly KeyedClause[]): string =>
  `[${clauses.map(({ key }) => key).join(',')}]`;

const expressionJson = (clauses: readonly (readonly Tag[])[]): string =>
  clausesJson(canonicalClauses(clauses));

const clausesOf = (clauses: readonly (readonly Tag[])[]): Tag[][] =>
  canonicalClauses(clauses).map(({ clause }) => [...clause]);

const portsJson = (ports: readonly string[]): string =>
  ports.length === 0 ? '[]' : JSON.stringify(distinct(ports.map(port => port.toLowerCase())));

const ruleJson = (rule: NetworkRule, object: readonly KeyedClause[]): string =>
  `{"action":${quoted(rule.action)},"logsDisabled":${rule.logsDisabled},"name":${JSON.stringify(rule.name)},"object":${clausesJson(object)},"observationEnabled":${rule.observationEnabled},"protocolPorts":${portsJson(rule.protocolPorts)}}`;

/** A ruleset's entry, with the object clauses of its rules. */
function ruleSetParts(ruleset: NetworkRuleSetPolicy): RuleSetParts {
  const clauses: KeyedClause[] = [];
  const rulesJson = (rules: readonly NetworkRule[]): string =>
    `[${rules
      .map(rule => {
        const object = canonicalClauses(rule.object);
        clauses.push(...object);
        return ruleJson(rule, object);
      })
      .join(',')}]`;
  const json = `{"ID":${quoted(ruleset.ID)},"fallback":${ruleset.fallback},"incomingRules":${rulesJson(ruleset.incomingRules)},"name":${JSON.stringify(ruleset.name)},"namespace":${quoted(ruleset.namespace)},"outgoingRules":${rulesJson(ruleset.outgoingRules)},"propagate":${ruleset.propagate},"subject":${expressionJson(ruleset.subject)}}`;
  return { json, clauses };
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
    ignoreExpression: clausesOf(profile.ignoreExpression),
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
    object: clausesOf(mapping.object),
    propagate: mapping.propagate,
    subject: clausesOf(mapping.subject),
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
    subject: clausesOf(mapping.subject),
  };
  return JSON.stringify(entry);
}

/** Namespaces mostly share the list of prefixes that they inherit. */
const prefixesJson = new WeakMap<readonly string[], string>();

export function namespaceJson(values: EffectiveNamespace): string {
  const { incoming, outgoing, path, tagPrefixEnforcement, tagPrefixes } = values;
  const prefixes = prefixesJson.get(tagPrefixes) ?? JSON.stringify(tagPrefixes);
  prefixesJson.set(tagPrefixes, prefixes);
  const action = (of: EffectiveNamespace['incoming']) =>
    `{"action":${quoted(of.value)},"namespace":${quoted(of.namespace)}}`;
  return `{"incoming":${action(incoming)},"outgoing":${action(outgoing)},"path":${quoted(path)},"tagPrefixEnforcement":${quoted(tagPrefixEnforcement.value)},"tagPrefixes":${prefixes}}`;
}

export function peerJson(unit: ProcessingUnit, tags: readonly Tag[]): string {
  const addresses = distinct(unit.addresses).map(quoted);
  return `{"ID":${quoted(unit.ID)},"addresses":[${addresses.join(',')}],"namespace":${quoted(unit.namespace)},"tags":${JSON.stringify(tags)}}`;
}

/** Keys in order, at every level: equal directives give equal bytes. */
const ordered = (task: DirectedTask): DirectedTask => ({
  deadline: task.deadline,
  id: task.id,
  kind: task.kind,
  mode: task.mode,
  probes: task.probes.map(({ expect, host, name, protocolPort }) => ({ expect, host, name, protocolPort })),
  version: task.version,
});

/** `targetVersion`: the default of the enforcer's namespace; empty means the latest. */
export function directiveJson(enforcer: Enforcer, targetVersion: string): string {
  const entry: DirectivesPayload['enforcers'][number] = {
    ID: enforcer.ID,
    ...(enforcer.migration?.collect ? { collect: enforcer.migration.collect } : {}),
    logLevel: enforcer.logLevel,
    name: enforcer.name,
    targetVersion,
    ...(enforcer.migration?.task ? { task: ordered(enforcer.migration.task) } : {}),
  };
  return JSON.stringify(entry);
}

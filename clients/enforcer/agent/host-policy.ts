import { createHash } from 'node:crypto';
import { RestingPayloads } from '../../../shared/bundle/open.ts';
import { type Mapping, mapProcessingUnit } from '../../../shared/core/mapping.ts';
import { profileOf } from '../../../shared/core/profile.ts';
import type { BundleProfile, PayloadBytes, PayloadName, Payloads } from '../../../shared/schema/bundle.ts';
import type { NamespacePath, ObjectId } from '../../../shared/schema/ids.ts';
import type { Tag } from '../../../shared/schema/tag.ts';
import type { HostPolicy, LocalUnit } from '../data-plane.ts';
import { isAbsent } from './cgroups.ts';
import { type FoundUnit, isHost } from './units.ts';

/** A processing unit of this host that the control plane knows. */
export interface KnownUnit extends FoundUnit {
  ID: ObjectId;
  /** Where it lives, as the control plane says. */
  namespace: NamespacePath;
  /** With the computed ones, such as `$name=`. */
  normalizedTags: Tag[];
  /** Of the control group that has the unit's path now; absent where there is none. */
  cgroupID?: string;
}

/** A verified bundle's content. */
export interface Content {
  payloads: Payloads;
  digests: HostPolicy['digests'];
  revision: number;
}

/** SHA-256, in hex. Of payloads that were accepted it is known. */
export const digestOf = (payloads: PayloadBytes, name: PayloadName): string =>
  payloads instanceof RestingPayloads
    ? payloads.digest(name)
    : createHash('sha256').update(payloads[name]).digest('hex');

export const digestsOf = (payloads: PayloadBytes): HostPolicy['digests'] => ({
  'directives.json': digestOf(payloads, 'directives.json'),
  'peers.json': digestOf(payloads, 'peers.json'),
  'policy.json': digestOf(payloads, 'policy.json'),
});

export const profileIn = (
  { 'policy.json': policy }: Payloads,
  enforcerTags: readonly Tag[],
): BundleProfile | undefined => profileOf(enforcerTags, policy.profileMappings, policy.profiles)?.profile;

/**
 * The namespace whose policy holds for a unit. The control plane's word counts where the bundle covers it; a mapping that
 * is newer than what it said is followed here, and leads to a namespace that the bundle covers by the way it is compiled.
 */
export function homeOf(unit: KnownUnit, { 'policy.json': policy }: Payloads): NamespacePath {
  const covers = (path: NamespacePath): boolean => policy.namespaces.some(one => one.path === path);
  if (covers(unit.namespace)) return unit.namespace;
  const mapped = mapProcessingUnit(
    policy.namespaceMappings as Mapping[],
    policy.namespace,
    unit.normalizedTags,
  );
  return covers(mapped.namespace) ? mapped.namespace : policy.namespace;
}

const localUnit = (unit: KnownUnit, payloads: Payloads): LocalUnit => ({
  ID: unit.ID,
  namespace: homeOf(unit, payloads),
  tags: unit.normalizedTags,
  addresses: unit.addresses,
  ...(unit.cgroup === undefined ? {} : { cgroup: unit.cgroup }),
  ...(unit.cgroupID === undefined ? {} : { cgroupID: unit.cgroupID }),
  isHost: isHost(unit),
});

export interface Situation {
  content: Content;
  enforcerTags: readonly Tag[];
  units: readonly KnownUnit[];
  names: HostPolicy['names'];
  infrastructure: HostPolicy['infrastructure'];
  layer3Only: boolean;
  lockdown: boolean;
}

/** What the data plane is asked to make hold. */
export function hostPolicy(situation: Situation): HostPolicy {
  const { content, enforcerTags, units, names, infrastructure, layer3Only, lockdown } = situation;
  const { payloads, digests } = content;
  const profile = profileIn(payloads, enforcerTags);
  return {
    payloads,
    digests,
    units: units.filter(unit => !isAbsent(unit)).map(unit => localUnit(unit, payloads)),
    ...(profile ? { profile } : {}),
    names,
    infrastructure,
    layer3Only,
    lockdown,
  };
}

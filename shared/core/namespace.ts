import { type NamespacePath, ROOT } from '../schema/ids.ts';
import type { Namespace } from '../schema/namespace.ts';
import { DEFAULT_TAG_PREFIXES, type Tag } from '../schema/tag.ts';

/** A value and the namespace that set it; the root when nobody did. */
export interface SetIn<T> {
  value: T;
  namespace: NamespacePath;
}

/** What counts in a namespace: its own properties and those it has from its ancestors. */
export interface EffectiveNamespace {
  path: NamespacePath;
  incoming: SetIn<'Allow' | 'Reject'>;
  outgoing: SetIn<'Allow' | 'Reject'>;
  /** Defaults, every ancestor's and its own. Sorted, each once. */
  tagPrefixes: readonly string[];
  tagPrefixEnforcement: SetIn<'Warn' | 'Enforce'>;
  /** Empty: the latest. */
  defaultEnforcerVersion: SetIn<string>;
  /** Every ancestor's and its own. Sorted, each once. */
  organizationalMetadata: readonly Tag[];
}

/** What counts where nobody has said anything. */
export const ROOT_VALUES: EffectiveNamespace = {
  path: ROOT,
  incoming: { value: 'Reject', namespace: ROOT },
  outgoing: { value: 'Reject', namespace: ROOT },
  tagPrefixes: [...DEFAULT_TAG_PREFIXES].sort(),
  tagPrefixEnforcement: { value: 'Warn', namespace: ROOT },
  defaultEnforcerVersion: { value: '', namespace: ROOT },
  organizationalMetadata: [],
};

const union = <T extends string>(inherited: readonly T[], own: readonly T[]): readonly T[] =>
  own.every(one => inherited.includes(one)) ? inherited : [...new Set([...inherited, ...own])].sort();

/** The effective values of a namespace below one whose effective values are known. */
export function inherit(parent: EffectiveNamespace, own: Namespace): EffectiveNamespace {
  const path = own.name as NamespacePath;
  const here = <T extends string>(value: T | 'Inherit' | '', inherited: SetIn<T>): SetIn<T> =>
    value === 'Inherit' || value === '' ? inherited : { value, namespace: path };
  return {
    path,
    incoming: here(own.defaultPUIncomingTrafficAction, parent.incoming),
    outgoing: here(own.defaultPUOutgoingTrafficAction, parent.outgoing),
    tagPrefixes: union(parent.tagPrefixes, own.tagPrefixes),
    tagPrefixEnforcement: here(own.tagPrefixEnforcement, parent.tagPrefixEnforcement),
    defaultEnforcerVersion: here(own.defaultEnforcerVersion, parent.defaultEnforcerVersion),
    organizationalMetadata: union(parent.organizationalMetadata, own.organizationalMetadata),
  };
}

/** Effective values from the chain of namespaces, outermost first, the namespace itself last. */
export const effectiveNamespace = (chain: readonly Namespace[]): EffectiveNamespace =>
  chain.reduce(inherit, ROOT_VALUES);

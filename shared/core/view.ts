import type { Enforcer } from '../schema/enforcer.ts';
import type { EnforcerProfile } from '../schema/enforcerprofile.ts';
import type { EnforcerProfileMappingPolicy } from '../schema/enforcerprofilemappingpolicy.ts';
import type { ExternalNetwork } from '../schema/externalnetwork.ts';
import type { ObjectId } from '../schema/ids.ts';
import type { NamespaceMappingPolicy } from '../schema/namespacemappingpolicy.ts';
import type { NetworkRuleSetPolicy } from '../schema/networkrulesetpolicy.ts';
import type { ObjectOf } from '../schema/resources.ts';
import { Peers } from './peers.ts';
import { ProcessingUnits } from './processing-units.ts';
import { Shelf } from './shelf.ts';
import type { KeyedClause } from './tags.ts';
import { NamespaceTree } from './tree.ts';

/** The resources that a policy is made of. */
export const POLICY_IDENTITIES = [
  'namespace',
  'networkrulesetpolicy',
  'externalnetwork',
  'enforcerprofile',
  'enforcerprofilemappingpolicy',
  'namespacemappingpolicy',
  'processingunit',
  'enforcer',
] as const;
export type PolicyIdentity = (typeof POLICY_IDENTITIES)[number];

export const isPolicyIdentity = (identity: string): identity is PolicyIdentity =>
  (POLICY_IDENTITIES as readonly string[]).includes(identity);

/** What a payload says of a ruleset: its entry in policy.json, and the object clauses of its rules by their JSON. */
export interface RuleSetParts {
  json: string;
  clauses: readonly KeyedClause[];
}

interface Place<T> {
  get(id: ObjectId): T | undefined;
  put(object: T): void;
  remove(id: ObjectId): void;
}

/**
 * The objects that policy is made of, in memory, by namespace, by ID and by tag. It may hold a whole tenant, or only
 * what one namespace needs (see `peerScopes`). Objects may come in any order; the answers never depend on it.
 */
export class PolicyView {
  readonly namespaces = new NamespaceTree();
  readonly rulesets = new Shelf<NetworkRuleSetPolicy, RuleSetParts>();
  readonly externalNetworks = new Shelf<ExternalNetwork>();
  readonly profiles = new Shelf<EnforcerProfile>();
  readonly profileMappings = new Shelf<EnforcerProfileMappingPolicy>();
  readonly namespaceMappings = new Shelf<NamespaceMappingPolicy>();
  readonly processingUnits = new ProcessingUnits();
  readonly enforcers = new Shelf<Enforcer>();
  readonly peers = new Peers(this.processingUnits, this.namespaces);
  #version = 0;

  readonly #places: { [I in PolicyIdentity]: Place<ObjectOf<I>> } = {
    namespace: this.namespaces,
    networkrulesetpolicy: this.rulesets,
    externalnetwork: this.externalNetworks,
    enforcerprofile: this.profiles,
    enforcerprofilemappingpolicy: this.profileMappings,
    namespacemappingpolicy: this.namespaceMappings,
    processingunit: this.processingUnits,
    enforcer: this.enforcers,
  };

  /** Rises with every change. What was computed from the view holds as long as it stays. */
  get version(): number {
    return this.#version;
  }

  get<I extends PolicyIdentity>(identity: I, id: ObjectId): ObjectOf<I> | undefined {
    return this.#places[identity].get(id);
  }

  /** Adds an object, or replaces the one with its ID. */
  put<I extends PolicyIdentity>(identity: I, object: ObjectOf<I>): void {
    this.#changed(identity);
    this.#places[identity].put(object);
  }

  /** Fine when there is none. */
  remove(identity: PolicyIdentity, id: ObjectId): void {
    this.#changed(identity);
    this.#places[identity].remove(id);
  }

  #changed(identity: PolicyIdentity): void {
    this.#version++;
    if (identity === 'processingunit' || identity === 'namespace') this.peers.forget();
  }
}

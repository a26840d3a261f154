import { type NamespacePath, tenantOf } from '../schema/ids.ts';
import type { Tag } from '../schema/tag.ts';
import { peerJson } from './fragments.ts';
import { type Payload, payload } from './payload.ts';
import { type HeldUnit, namedNamespace, type ProcessingUnits } from './processing-units.ts';
import { inOrder } from './shelf.ts';
import { clauseMatches, sorted, wireTags } from './tags.ts';
import type { NamespaceTree } from './tree.ts';

/** Object clauses by their JSON (`clauseKey`). */
export type Clauses = ReadonlyMap<string, readonly Tag[]>;

/** Answers kept at a time. Namespaces of one branch ask one after the other for the same. */
const KEPT_PAYLOADS = 16;
const KEPT_SELECTIONS = 65_536;

/**
 * Which processing units of a tenant a set of clauses names, and the payload that says so. Siblings mostly see the
 * same clauses through what their parents propagate, so the last answers are kept until the view changes.
 */
export class Peers {
  readonly #units: ProcessingUnits;
  readonly #namespaces: NamespaceTree;
  #selections = new Map<string, readonly HeldUnit[]>();
  #payloads = new Map<string, Payload>();

  constructor(units: ProcessingUnits, namespaces: NamespaceTree) {
    this.#units = units;
    this.#namespaces = namespaces;
  }

  /** Call it when a processing unit or a namespace has changed. */
  forget(): void {
    if (this.#selections.size > 0) this.#selections = new Map();
    if (this.#payloads.size > 0) this.#payloads = new Map();
  }

  /** peers.json for these clauses, in the tenant of the namespace. */
  payload(path: NamespacePath, clauses: Clauses): Payload {
    const tenant = tenantOf(path);
    // Nobody else asks for what only this namespace can name.
    if ([...clauses.values()].every(clause => namedNamespace(clause) === path))
      return this.#make(tenant, clauses);
    const key = [tenant, ...[...clauses.keys()].sort()].join('\n');
    const known = this.#payloads.get(key);
    if (known) return known;
    const made = this.#make(tenant, clauses);
    const [oldest] = this.#payloads.keys();
    if (this.#payloads.size >= KEPT_PAYLOADS && oldest !== undefined) this.#payloads.delete(oldest);
    this.#payloads.set(key, made);
    return made;
  }

  #make(tenant: NamespacePath, clauses: Clauses): Payload {
    const entries = this.#named(tenant, clauses).map(held => this.#json(held));
    return payload(`{"format":1,"identities":[${entries.join(',')}]}`);
  }

  /** Sorted by ID, each once. */
  #named(tenant: NamespacePath, clauses: Clauses): readonly HeldUnit[] {
    const lists = [...clauses].map(([key, clause]) => this.#selected(tenant, key, clause));
    const [only] = lists;
    return only && lists.length === 1 ? only : inOrder(lists.flat());
  }

  #selected(tenant: NamespacePath, key: string, clause: readonly Tag[]): readonly HeldUnit[] {
    if (namedNamespace(clause)) return this.#select(tenant, clause);
    const of = `${tenant} ${key}`;
    const known = this.#selections.get(of);
    if (known) return known;
    const list = this.#select(tenant, clause);
    if (this.#selections.size >= KEPT_SELECTIONS) this.#selections = new Map();
    this.#selections.set(of, list);
    return list;
  }

  /** Sorted by ID, each once. */
  #select(tenant: NamespacePath, clause: readonly Tag[]): readonly HeldUnit[] {
    const found: HeldUnit[] = [];
    for (const held of this.#units.candidates(clause)) {
      const { namespace, operationalStatus } = held.object;
      // The address of a terminated unit may already be another's.
      if (operationalStatus === 'Terminated' || tenantOf(namespace) !== tenant) continue;
      if (clauseMatches(clause, this.#tags(held))) found.push(held);
    }
    return inOrder(found);
  }

  #tags({ object }: HeldUnit): readonly Tag[] {
    const { tagPrefixEnforcement, tagPrefixes } = this.#namespaces.inherited(object.namespace);
    return wireTags(object.normalizedTags, { tagPrefixEnforcement: tagPrefixEnforcement.value, tagPrefixes });
  }

  #json(held: HeldUnit): string {
    const under = this.#namespaces.inherited(held.object.namespace);
    const known = held.derived;
    if (known?.under !== under) {
      held.derived = { under, json: undefined };
      return peerJson(held.object, sorted(this.#tags(held)));
    }
    known.json ??= peerJson(held.object, sorted(this.#tags(held)));
    return known.json;
  }
}

import type { NamespacePolicy } from '../../../shared/core/policy.ts';
import { singleAddress } from './addresses.ts';
import { type Family, indexOf, type Territory, territoriesOf } from './territories.ts';

const NONE: readonly number[] = [];

/** What one namespace's policy knows of addresses. */
export class Surroundings {
  readonly policy: NamespacePolicy;
  readonly #networks: NamespacePolicy['networks'];
  readonly #index: ReturnType<typeof indexOf>;
  readonly #territories = new Map<Family, Territory[]>();
  /** Address → clauses that the DNS names which lead to it make it satisfy. */
  readonly named: ReadonlyMap<string, readonly number[]>;

  constructor(policy: NamespacePolicy, names: ReadonlyMap<string, readonly string[]>) {
    this.policy = policy;
    this.#networks = policy.networks;
    this.#index = indexOf(this.#networks.map(({ network }) => network));
    this.named = this.#byName(names);
  }

  #byName(names: ReadonlyMap<string, readonly string[]>): Map<string, number[]> {
    const found = new Map<string, number[]>();
    for (const [name, addresses] of names) {
      const clauses = this.#clauses(this.#index.find(undefined, name).map(({ network }) => network));
      if (clauses.length === 0) continue;
      for (const address of addresses) {
        const text = singleAddress(address)?.text;
        if (text !== undefined) found.set(text, [...(found.get(text) ?? []), ...clauses]);
      }
    }
    return found;
  }

  #clauses(networks: readonly number[]): number[] {
    return networks.flatMap(at => this.#networks[at]?.clauses ?? []);
  }

  /** The networks that hold the address, by position. */
  networksAt(address: string): readonly number[] {
    return this.#networks.length === 0
      ? NONE
      : this.#index.find(address, undefined).map(({ network }) => network);
  }

  /** Clauses that an address satisfies by lying in these networks. */
  holding(networks: readonly number[]): readonly number[] {
    return this.#clauses(networks);
  }

  /** Stretches of addresses, each with the clauses that its networks satisfy. */
  territories(family: Family): readonly (Territory & { clauses: readonly number[] })[] {
    let known = this.#territories.get(family);
    if (!known) {
      known = territoriesOf(
        this.#networks.map(({ network }) => network),
        this.#index,
        family,
      );
      this.#territories.set(family, known);
    }
    return known.map(territory => ({ ...territory, clauses: this.#clauses(territory.networks) }));
  }
}

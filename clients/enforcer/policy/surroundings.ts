import type { NamespacePolicy } from '../../../shared/core/policy.ts';
import { isSame } from './same.ts';
import { type Family, familyOf, indexOf, type Territory, territoriesOf } from './territories.ts';

const NONE: readonly number[] = [];

const networksOf = ({ policy }: Surroundings) => policy.networks.map(({ network }) => network);

/** What one namespace's policy knows of addresses and names. */
export class Surroundings {
  readonly policy: NamespacePolicy;
  readonly #networks: NamespacePolicy['networks'];
  readonly #index: ReturnType<typeof indexOf>;
  readonly #territories = new Map<Family, Territory[]>();

  constructor(policy: NamespacePolicy) {
    this.policy = policy;
    this.#networks = policy.networks;
    this.#index = indexOf(this.#networks.map(({ network }) => network));
  }

  /** Whether they are those of an earlier policy. */
  areAs(earlier: Surroundings): boolean {
    return earlier === this || isSame(networksOf(earlier), networksOf(this));
  }

  /** Clauses that a DNS name makes every address satisfy that it leads to. */
  byName(name: string): readonly number[] {
    return this.#clauses(this.#index.find(undefined, name).map(({ network }) => network));
  }

  #clauses(networks: readonly number[]): number[] {
    return networks.flatMap(at => this.#networks[at]?.clauses ?? []);
  }

  /** Whether any network holds addresses of this family. */
  holds(family: Family): boolean {
    return this.#territoriesOf(family).length > 0;
  }

  /** The networks that hold the address, by position. */
  networksAt(address: string): readonly number[] {
    return this.holds(familyOf(address))
      ? this.#index.find(address, undefined).map(({ network }) => network)
      : NONE;
  }

  /** Clauses that an address satisfies by lying in these networks. */
  holding(networks: readonly number[]): readonly number[] {
    return this.#clauses(networks);
  }

  /** Stretches of addresses, each with the clauses that its networks satisfy. */
  territories(family: Family): readonly (Territory & { clauses: readonly number[] })[] {
    return this.#territoriesOf(family).map(territory => ({
      ...territory,
      clauses: this.#clauses(territory.networks),
    }));
  }

  #territoriesOf(family: Family): readonly Territory[] {
    let known = this.#territories.get(family);
    if (!known) {
      known = territoriesOf(
        this.#networks.map(({ network }) => network),
        this.#index,
        family,
      );
      this.#territories.set(family, known);
    }
    return known;
  }
}

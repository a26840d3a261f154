import type { NamespacePolicy } from '../../../shared/core/policy.ts';
import type { PeersPayload } from '../../../shared/schema/bundle.ts';
import { parseAddress } from '../../../shared/schema/cidr.ts';
import { addressText, type Family, indexOf, type Territory, territoriesOf } from './territories.ts';

export type Identity = PeersPayload['identities'][number];

/** IPv4 as everybody writes it: nearly all addresses, and far quicker told than parsed. */
const PLAIN = /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}$/;

/** A single address in the text that the maps are keyed by, so that one address is one key. */
export function singleAddress(text: string): { family: Family; text: string } | undefined {
  if (PLAIN.test(text)) return { family: 4, text };
  const parsed = parseAddress(text);
  if (!parsed) return undefined;
  const { family, words } = parsed;
  return {
    family,
    text: addressText(
      family,
      words.reduce((value, word) => (value << 32n) | BigInt(word), 0n),
    ),
  };
}

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

  /** Clauses that the address satisfies by lying in networks, or by being led to. */
  holding(address: string): readonly number[] {
    const networks = this.#index.find(address, undefined).map(({ network }) => network);
    return [...this.#clauses(networks), ...(this.named.get(address) ?? [])];
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

/** Which identities have an address. More than one only while the tenant is in motion. */
export class Residents {
  readonly #at = new Map<string, Identity[]>();

  add(identity: Identity): string[] {
    return this.#each(identity, text => {
      const list = this.#at.get(text);
      if (list) list.push(identity);
      else this.#at.set(text, [identity]);
    });
  }

  remove(identity: Identity): string[] {
    return this.#each(identity, text => {
      const left = (this.#at.get(text) ?? []).filter(one => one.ID !== identity.ID);
      if (left.length > 0) this.#at.set(text, left);
      else this.#at.delete(text);
    });
  }

  #each(identity: Identity, use: (text: string) => void): string[] {
    const texts = identity.addresses.flatMap(address => singleAddress(address)?.text ?? []);
    for (const text of texts) use(text);
    return texts;
  }

  at(address: string): readonly Identity[] {
    return this.#at.get(address) ?? [];
  }

  addresses(): Iterable<string> {
    return this.#at.keys();
  }
}

import { clauseKey } from '../../../shared/core/tags.ts';
import type { Peer } from '../../../shared/schema/bundle.ts';
import type { Group } from './groups.ts';
import type { Led } from './led.ts';
import { shortHash } from './model.ts';
import type { Numbers } from './numbers.ts';
import { Residents } from './residents.ts';
import type { Surroundings } from './surroundings.ts';

/** What peers of one kind have in common: whatever a rule for a unit of this host may ask for. */
export interface PeerClass {
  /** Never another's. The same whenever the same is asked for. */
  number: string;
  /** Clauses that they satisfy by what they are, or by names that lead to them. Never empty. */
  own: readonly number[];
  /** With those that they satisfy by networks that hold them. */
  all: readonly number[];
}

/** Groups whose units live in one namespace: they know the same clauses, so that their peers fall into the same classes. */
export class Neighbourhood {
  /** Stays while the namespace does. */
  readonly id: string;
  readonly groups: readonly Group[];
  readonly surroundings: Surroundings;
  /** Peers, and DNS names of external networks where they lead to. */
  readonly residents = new Residents<Peer | Led>(one => this.#clausesOf(one));
  readonly #asked: ReadonlySet<number>;
  readonly #numbers: Numbers;
  readonly #classes = new Map<string, PeerClass | undefined>();
  readonly #byNumber = new Map<string, PeerClass>();

  constructor(surroundings: Surroundings, groups: readonly Group[], numbers: Numbers) {
    this.id = shortHash(surroundings.policy.namespace.path);
    this.surroundings = surroundings;
    this.groups = groups;
    this.#numbers = numbers;
    this.#asked = new Set(groups.flatMap(({ judges }) => [...judges.in.named, ...judges.out.named]));
  }

  /** Clauses of a peer or a name that any rule here asks for, ascending. */
  #clausesOf(one: Peer | Led): readonly number[] {
    const { policy } = this.surroundings;
    return this.#relevant('tags' in one ? policy.clauses(one.tags) : this.surroundings.byName(one.name));
  }

  /** The class of an address. Undefined when it is decided as its surroundings are: no rule asks for what is there. */
  classAt(address: string): PeerClass | undefined {
    const kind = this.residents.kindAt(address);
    const networks = this.surroundings.networksAt(address);
    // Most addresses are told by these alone.
    const key = `${kind} ${networks.join()}`;
    if (this.#classes.has(key)) return this.#classes.get(key);
    const made = this.#made(this.residents.clauses(kind), networks);
    this.#classes.set(key, made);
    return made;
  }

  #made(own: readonly number[], networks: readonly number[]): PeerClass | undefined {
    if (own.length === 0) return undefined;
    const all = this.#relevant([...own, ...this.surroundings.holding(networks)]);
    const texts = [own, all].map(list =>
      list.map(clause => clauseKey(this.surroundings.policy.clauseTags(clause))).sort(),
    );
    const number = this.#numbers.of(JSON.stringify(texts));
    const known = this.#byNumber.get(number);
    if (known) return known;
    const made = { number, own, all: all.length === own.length ? own : all };
    this.#byNumber.set(number, made);
    return made;
  }

  byNumber(number: string): PeerClass | undefined {
    return this.#byNumber.get(number);
  }

  #relevant(clauses: readonly number[]): number[] {
    return [...new Set(clauses.filter(clause => this.#asked.has(clause)))].sort((a, b) => a - b);
  }
}

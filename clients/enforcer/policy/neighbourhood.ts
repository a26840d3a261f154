import { clauseKey } from '../../../shared/core/tags.ts';
import type { Peer } from '../../../shared/schema/bundle.ts';
import type { AddressTable } from './address-table.ts';
import type { Group } from './groups.ts';
import type { Led } from './led.ts';
import { shortHash } from './model.ts';
import { type Numbers, numberIn } from './numbers.ts';
import { Residents } from './residents.ts';
import { isSame } from './same.ts';
import type { Surroundings } from './surroundings.ts';
import type { Family } from './territories.ts';

/** No network holds the address. */
const NOWHERE: readonly number[] = [];

/** What peers of one kind have in common: whatever a rule for a unit of this host may ask for. */
export interface PeerClass {
  /** Never another's. The same whenever the same is asked for. */
  number: string;
  /** Clauses that they satisfy by what they are, or by names that lead to them. Never empty. */
  own: readonly number[];
  /** With those that they satisfy by networks that hold them. */
  all: readonly number[];
}

/** What a clause of an earlier policy is called in this one; undefined where nothing asks for it. */
type Renamed = (clause: number) => number | undefined;

/** Groups whose units live in one namespace: they know the same clauses, so that their peers fall into the same classes. */
export class Neighbourhood {
  /** Stays while the namespace does. */
  readonly id: string;
  groups: readonly Group[];
  readonly surroundings: Surroundings;
  /** Peers, and DNS names of external networks where they lead to. */
  readonly residents = new Residents<Peer | Led>(one => this.#clausesOf(one));
  readonly #asked: ReadonlySet<number>;
  readonly #numbers: Numbers;
  readonly #classes = new Map<number | string, PeerClass | undefined>();
  readonly #byNumber = new Map<string, PeerClass>();
  /** Goes on from it: by its classes, and by what their clauses are called here. Until `rest`. */
  #earlier: { byNumber: Neighbourhood; numberOf: Renamed } | undefined;
  /** What is the same as in an earlier policy: who is at which address, and of which class that is. */
  kept: 'nothing' | 'residents' | 'classes';

  /** `earlier`: of the same namespace; of no use afterwards. */
  constructor(
    surroundings: Surroundings,
    groups: readonly Group[],
    numbers: Numbers,
    earlier: Neighbourhood | undefined,
  ) {
    this.id = shortHash(surroundings.policy.namespace.path);
    this.surroundings = surroundings;
    this.groups = groups;
    this.#numbers = numbers;
    this.#asked = new Set(groups.flatMap(({ judges }) => [...judges.in.named, ...judges.out.named]));
    this.kept = earlier ? this.#goOnFrom(earlier) : 'nothing';
  }

  /** Whether these groups, in other units or none but the same, ask for the same. */
  isOf(surroundings: Surroundings, groups: readonly Group[]): boolean {
    const judges = new Set(this.groups.map(group => group.judges.in));
    return (
      surroundings === this.surroundings &&
      groups.length === judges.size &&
      groups.every(group => judges.has(group.judges.in))
    );
  }

  /** This one, of these groups. */
  with(groups: readonly Group[]): this {
    this.groups = groups;
    this.kept = 'classes';
    return this;
  }

  /** Whoever is asked for now was asked for before: then nobody has to be looked for. */
  #goOnFrom(earlier: Neighbourhood): Neighbourhood['kept'] {
    const isNamespace = isSame(earlier.surroundings.policy.namespace, this.surroundings.policy.namespace);
    const numberOf = isNamespace ? this.#renamed(earlier) : undefined;
    if (!numberOf) return 'nothing';
    this.residents.takeOver(earlier.residents, numberOf);
    const isLess = earlier.#asked.size > this.#asked.size;
    if (isLess || !this.surroundings.areAs(earlier.surroundings)) return 'residents';
    this.#earlier = { byNumber: earlier, numberOf };
    return 'classes';
  }

  /** What the clauses of an earlier policy are called here. Undefined: more are asked for. */
  #renamed(earlier: Neighbourhood): Renamed | undefined {
    const [before, now] = [earlier.surroundings.policy, this.surroundings.policy];
    const asked = this.#asked;
    if (before === now)
      return [...asked].every(one => earlier.#asked.has(one))
        ? one => (asked.has(one) ? one : undefined)
        : undefined;
    const numbers = new Map([...asked].map(one => [clauseKey(now.clauseTags(one)), one]));
    const renamed = new Map<number, number>();
    for (const one of earlier.#asked) {
      const number = numbers.get(clauseKey(before.clauseTags(one)));
      if (number !== undefined) renamed.set(one, number);
    }
    return renamed.size === asked.size ? one => renamed.get(one) : undefined;
  }

  /** Forgets what only the change to this policy needs. */
  rest(): void {
    this.#earlier = undefined;
  }

  /** Clauses of a peer or a name that any rule here asks for, ascending. */
  #clausesOf(one: Peer | Led): readonly number[] {
    const { policy } = this.surroundings;
    return this.#relevant('tags' in one ? policy.clauses(one.tags) : this.surroundings.byName(one.name));
  }

  /** The class of an address. Undefined when it is decided as its surroundings are: no rule asks for what is there. */
  classAt(address: string): PeerClass | undefined {
    return this.#classOf(this.residents.kindAt(address), this.surroundings.networksAt(address));
  }

  /** The class of every address of a family that has one, by number. `each` is told of them, one after the other. */
  classes(family: Family, each: (one: PeerClass) => void): AddressTable {
    const isHeld = this.surroundings.holds(family);
    return this.residents.mapped(family, (kind, address) => {
      const found = this.#classOf(kind, isHeld ? this.surroundings.networksAt(address()) : NOWHERE);
      if (!found) return undefined;
      each(found);
      return numberIn(found.number);
    });
  }

  #classOf(kind: number, networks: readonly number[]): PeerClass | undefined {
    // Most addresses are told by these alone.
    const key = networks.length === 0 ? kind : `${kind} ${networks.join()}`;
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
    const known = this.#byNumber.get(number);
    if (known || !this.#earlier) return known;
    const before = this.#earlier.byNumber.#byNumber.get(number);
    if (!before) return undefined;
    const { numberOf } = this.#earlier;
    const here = (clauses: readonly number[]) => this.#relevant(clauses.flatMap(one => numberOf(one) ?? []));
    const own = here(before.own);
    const made = { number, own, all: before.all === before.own ? own : here(before.all) };
    this.#byNumber.set(number, made);
    return made;
  }

  #relevant(clauses: readonly number[]): number[] {
    return [...new Set(clauses.filter(clause => this.#asked.has(clause)))].sort((a, b) => a - b);
  }
}

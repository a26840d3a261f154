import { fail } from '../../schema/failure.ts';
import type { PortSet } from '../../schema/protocol-ports.ts';
import type { Tag } from '../../schema/tag.ts';
import { intersectPorts } from '../ports.ts';
import { clauseKey, isWildcard, tagKey } from '../tags.ts';
import { type Clause, canSelectNetworks, selectsNetwork } from './clauses.ts';
import { meet, type Placed } from './place.ts';
import type { LegacyNetwork } from './read.ts';

/** Comparisons of clauses and ports with networks, and clauses made for single networks, before it gives up. */
const MOST_COMPARISONS = 10_000_000;
const MOST_CLAUSES = 50_000;

const append = <K>(map: Map<K, LegacyNetwork[]>, key: K, network: LegacyNetwork): void => {
  const list = map.get(key);
  if (list) list.push(network);
  else map.set(key, [network]);
};

/** Tags that a network has or has not, whatever else is known of it. */
const isCertain = (tag: Tag): boolean => !isWildcard(tag) && !/^(\$|@org:)/.test(tagKey(tag));

/** The external networks of the input, by their tags and names. What they are asked in one conversion is bounded. */
export class LegacyNetworks {
  readonly #all: readonly LegacyNetwork[];
  readonly #byTag = new Map<string, LegacyNetwork[]>();
  readonly #byName = new Map<string, LegacyNetwork[]>();
  readonly #selected = new Map<string, LegacyNetwork[]>();
  #comparisons = 0;
  #clauses = 0;

  constructor(networks: readonly LegacyNetwork[]) {
    this.#all = networks;
    for (const network of networks) {
      append(this.#byName, network.name, network);
      for (const tag of new Set(network.tags)) append(this.#byTag, tag, network);
    }
  }

  /** Those that a clause selects somewhere where `place` applies. */
  selectedBy(clause: Clause, place: Placed): LegacyNetwork[] {
    const key = clauseKey(clause);
    const selected = this.#selected.get(key) ?? this.#select(clause);
    this.#selected.set(key, selected);
    this.#countComparisons(selected.length);
    return selected.filter(network => meet(network, place));
  }

  /** Those that a clause for the name could select: another than itself only when the name looks like a wildcard. */
  likeNamed(name: string): readonly LegacyNetwork[] {
    const named = isWildcard(name) ? this.#all : (this.#byName.get(name) ?? []);
    this.#countComparisons(named.length);
    return named;
  }

  /** What the network's ports leave of others. Undefined when they cannot be read. */
  limit({ limit }: LegacyNetwork, ports: PortSet): PortSet | undefined {
    if (limit === undefined) return undefined;
    if (limit !== 'any' && ports !== 'any') this.#countComparisons(limit.length * ports.length);
    return intersectPorts(ports, limit);
  }

  #countComparisons(made: number): void {
    this.#comparisons += made;
    if (this.#comparisons > MOST_COMPARISONS)
      throw fail(
        'too_large',
        'the policies name too many external networks and ports to compare them all; convert a part of the namespaces at a time',
      );
  }

  /** Counts clauses that are made for single networks. Fails with `too_large` when they are too many. */
  countClauses(made: number): void {
    this.#clauses += made;
    if (this.#clauses > MOST_CLAUSES)
      throw fail(
        'too_large',
        `the rules would name single external networks more than ${MOST_CLAUSES} times; convert a part of the namespaces at a time, or give networks with equal ports a tag of their own`,
      );
  }

  #select(clause: Clause): LegacyNetwork[] {
    if (!canSelectNetworks(clause)) return [];
    const candidates = this.#candidates(clause);
    this.#countComparisons(candidates.length);
    return candidates.filter(network => selectsNetwork(clause, network));
  }

  #candidates(clause: Clause): readonly LegacyNetwork[] {
    const tag = clause.find(isCertain);
    if (tag !== undefined) return this.#byTag.get(tag) ?? [];
    const name = clause.find(one => one.startsWith('$name=') && !isWildcard(one));
    return name === undefined ? this.#all : (this.#byName.get(name.slice('$name='.length)) ?? []);
  }
}

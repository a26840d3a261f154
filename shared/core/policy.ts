import type {
  BundleExternalNetwork,
  BundleNamespace,
  BundleRuleSet,
  PolicyPayload,
} from '../schema/bundle.ts';
import { fail } from '../schema/failure.ts';
import { isWithin, type NamespacePath, type ObjectId } from '../schema/ids.ts';
import type { Tag } from '../schema/tag.ts';
import { ClauseTable, type TagClass } from './clause-table.ts';
import type { ByRule, Direction, Via } from './decision.ts';
import { type Holding, HoldingNetworks } from './holding-networks.ts';
import { ParsedRulesets } from './parsed-rulesets.ts';
import type { Traffic } from './ports.ts';
import { Remembered } from './remembered.ts';
import { type Hit, type ParsedRule, RuleIndex } from './rule-index.ts';
import { isListed, tagMatches, wireTags } from './tags.ts';

/** Which ruleset a rule is of, and which one it is of its rules in that direction. */
export interface RulePlace {
  rulesetID: ObjectId;
  index: number;
}

/** A rule that decides, and how it names the peer. */
export interface Deciding extends ByRule {
  action: 'Allow' | 'Reject';
}

/**
 * The policy of one namespace, ready to decide: what applies in it, parsed and indexed. What depends only on the
 * classes of subject and peer is remembered, within bounds.
 */
export class NamespacePolicy {
  readonly namespace: BundleNamespace;
  readonly #networks: readonly BundleExternalNetwork[];
  readonly #table = new ClauseTable();
  readonly #rulesets: ParsedRulesets;
  readonly #networkClasses: readonly TagClass[];
  readonly #holding: HoldingNetworks;
  readonly #nobody: TagClass;
  readonly #remembered = new Remembered();

  /** `rulesets` and `networks`: those that apply in the namespace, sorted by ID. */
  constructor(
    namespace: BundleNamespace,
    rulesets: readonly BundleRuleSet[],
    networks: readonly BundleExternalNetwork[],
  ) {
    this.namespace = namespace;
    this.#networks = networks;
    this.#rulesets = new ParsedRulesets(namespace.path, rulesets, this.#table);
    this.#networkClasses = networks.map(network => this.#table.classOf(this.wire(network.tags)));
    this.#holding = new HoldingNetworks(
      networks.map(({ entries }) => entries),
      this.#networkClasses,
    );
    this.#nobody = this.#table.classOf([]);
  }

  /** The tags that count here, of processing units that live here and of external networks that apply here. */
  wire(tags: readonly Tag[]): readonly Tag[] {
    return wireTags(tags, this.namespace);
  }

  /** The tags that don't. */
  unlisted(tags: readonly Tag[]): readonly Tag[] {
    return this.namespace.tagPrefixEnforcement === 'Warn'
      ? []
      : tags.filter(tag => !isListed(tag, this.namespace));
  }

  /**
   * Every rule of a direction that counts for a processing unit of this namespace, in order of precedence: what an
   * enforcer turns into rules of a packet filter. `subject` are tags on the wire.
   */
  rules(subject: readonly Tag[], direction: Direction): readonly ParsedRule[] {
    const selected = this.#rulesets.selected(this.#table.classOf(subject));
    return this.#rulesets.rules(selected, direction).sort((a, b) => a.rank - b.rank);
  }

  /** Where the rule of that rank is. */
  placeOf(rank: number): RulePlace {
    return this.#rulesets.placeOf(rank);
  }

  /** The one of that rank, which there must be. */
  rule(direction: Direction, rank: number): ParsedRule {
    return this.#rulesets.rule(direction, rank);
  }

  /**
   * For who seldom decides, of many rulesets: forgets what can be made again, and keeps rules as packed text. What is asked
   * later is answered the same.
   */
  rest(): void {
    this.#table.rest();
    this.#remembered.rest();
    this.#rulesets.rest();
  }

  /** Whether a ruleset selects a unit with these tags on the wire by a clause that asks for this one of them. */
  selectsBy(subject: readonly Tag[], tag: Tag): boolean {
    return this.#table
      .classOf(subject)
      .clauses.some(
        clause =>
          this.#rulesets.isSubject(clause) &&
          this.#table.tagsOf(clause).some(wanted => tagMatches(wanted, tag)),
      );
  }

  /** Numbers of the clauses that a peer with these tags on the wire satisfies, as in `ParsedRule.object`. */
  clauses(tags: readonly Tag[]): readonly number[] {
    return this.#table.classOf(tags).clauses;
  }

  /** The tags of a clause, by its number. */
  clauseTags(clause: number): readonly Tag[] {
    return this.#table.tagsOf(clause);
  }

  /** The external networks that apply here, each with the clauses that it satisfies. */
  get networks(): readonly { network: BundleExternalNetwork; clauses: readonly number[] }[] {
    return this.#networks.map((network, at) => ({
      network,
      clauses: this.#networkClasses[at]?.clauses ?? [],
    }));
  }

  /**
   * The rules of a direction that decide for a processing unit of this namespace about a peer. `subject` and
   * `peer.tags` are tags on the wire; `peer.tags` is undefined when the peer is no processing unit of the tenant.
   */
  decide(
    subject: readonly Tag[],
    direction: Direction,
    peer: { tags: readonly Tag[] | undefined; address: string | undefined; names: readonly string[] },
    traffic: Traffic,
  ): { enforced: Deciding | undefined; observed: Deciding | undefined } {
    const subjectClass = this.#table.classOf(subject);
    const known =
      this.#remembered.about(subjectClass, direction) ??
      this.#remembered.keep(subjectClass, direction, this.#indexOf(subjectClass, direction));
    const peerClass = peer.tags ? this.#table.classOf(peer.tags) : this.#nobody;
    const holding = this.#holding.of(peer.address, peer.names);
    const { enforced, any } = this.#remembered.decide(known, peerClass, holding.set, traffic);
    const by = (hit: Hit | undefined): Deciding | undefined =>
      hit && { action: hit.rule.action, rule: hit.rule.ref, via: this.#via(hit, peerClass, holding) };
    return { enforced: by(enforced), observed: by(any?.rule.observed ? any : undefined) };
  }

  #via({ rule, via }: Hit, peer: TagClass, { set, entries }: Holding): Via {
    const { clauses } = (via < 0 ? peer : set.classes[via]) ?? this.#nobody;
    const clause = this.#table.tagsOf(rule.object.find(one => clauses.includes(one)) ?? -1);
    const network = this.#networks[set.networks[via] ?? -1];
    if (!network) return { kind: 'processing unit', clause };
    return {
      kind: 'external network',
      ID: network.ID,
      name: network.name,
      entry: entries[via] ?? '',
      clause,
    };
  }

  #indexOf(subject: TagClass, direction: Direction): RuleIndex | Pick<RuleIndex, 'decide'> {
    const selected = this.#rulesets.selected(subject);
    if (!this.#rulesets.isAtRest) return new RuleIndex(this.#rulesets.rules(selected, direction));
    const naming = this.#rulesets.rulesNaming(selected, direction);
    return {
      decide: (peer, networks, traffic) =>
        new RuleIndex(naming([peer, ...networks])).decide(peer, networks, traffic),
    };
  }
}

/** The policy of a bundle: of each namespace that it covers. */
export class PolicyModel {
  readonly #payload: PolicyPayload;
  readonly #namespaces = new Map<NamespacePath, NamespacePolicy>();

  constructor(payload: PolicyPayload) {
    this.#payload = payload;
  }

  /** Fails with `not_found` when the bundle does not cover the namespace. */
  at(path: NamespacePath): NamespacePolicy {
    const known = this.#namespaces.get(path);
    if (known) return known;
    const namespace = this.#payload.namespaces.find(one => one.path === path);
    if (!namespace)
      throw fail(
        'not_found',
        `the policy of \`${this.#payload.namespace}\` does not cover \`${path}\`; ask the policy of that namespace`,
      );
    const applies = (object: { namespace: NamespacePath; propagate: boolean }) =>
      object.namespace === path || (object.propagate && isWithin(path, object.namespace));
    const made = new NamespacePolicy(
      namespace,
      this.#payload.rulesets.filter(applies),
      this.#payload.externalNetworks.filter(applies),
    );
    this.#namespaces.set(path, made);
    return made;
  }
}

export const modelFromPayload = (payload: PolicyPayload): PolicyModel => new PolicyModel(payload);

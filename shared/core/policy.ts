import type {
  BundleExternalNetwork,
  BundleNamespace,
  BundleRuleSet,
  PolicyPayload,
} from '../schema/bundle.ts';
import { fail } from '../schema/failure.ts';
import { isWithin, type NamespacePath, type ObjectId } from '../schema/ids.ts';
import type { NetworkRule } from '../schema/networkrulesetpolicy.ts';
import { type PortSet, parseProtocolPorts } from '../schema/protocol-ports.ts';
import type { Tag } from '../schema/tag.ts';
import { NetworkIndex, type NetworkMatch } from './cidr.ts';
import { ClauseTable, type TagClass } from './clause-table.ts';
import type { ByRule, Direction, Via } from './decision.ts';
import { NumberLists } from './number-lists.ts';
import { PackedText } from './packed-text.ts';
import type { Traffic } from './ports.ts';
import { type Hit, type Outcome, type ParsedRule, RuleIndex } from './rule-index.ts';
import { isListed, tagMatches, wireTags } from './tags.ts';

/** Bounds of what one namespace's policy remembers; past one of them it forgets and starts anew. */
const KEPT_ADDRESSES = 65_536;
const KEPT_OUTCOMES = 65_536;
/** The same of a policy at rest. */
const KEPT_AT_REST = 4096;
const KEPT_WEIGHT = 1_000_000;
/** Outcomes of smaller indexes are found again sooner than remembered. */
const WORTH_REMEMBERING = 64;
/** What an index without rules weighs, in entries. */
const EMPTY_WEIGHT = 64;

/** The rules of a ruleset, by direction. */
type RulesOf = Record<Direction, readonly ParsedRule[]>;

/** Which ruleset a rule is of, and which one it is of its rules in that direction. */
export interface RulePlace {
  rulesetID: ObjectId;
  index: number;
}

/** An ID has twice as many digits. */
const ID_BYTES = 12;

/** `rank` is made of these, so that it tells where the rule is. */
const [ORDERS, INDEXES] = [2 ** 24, 2 ** 20] as const;
const rankOf = (action: ParsedRule['action'], order: number, index: number): number =>
  ((action === 'Reject' ? 0 : 1) * ORDERS + order) * INDEXES + index;

/** The networks that hold an address: the same object for the same networks. */
interface NetworkSet {
  id: number;
  networks: readonly number[];
  classes: readonly TagClass[];
}

interface Remembered {
  index: Pick<RuleIndex, 'decide'>;
  /** By the classes of the peer and by traffic; undefined when deciding again is as fast. */
  outcomes: Outcomes | undefined;
}

type Outcomes = Map<number, Map<number, Outcome>>;

/** A rule that decides, and how it names the peer. */
export interface Deciding extends ByRule {
  action: 'Allow' | 'Reject';
}

const isUpTo = (value: number, highest: number): boolean =>
  Number.isInteger(value) && value >= 0 && value <= highest;

/** A number for the traffic, so that outcomes can be remembered by it. */
function trafficKey(traffic: Traffic): number {
  const { kind, protocol } = traffic;
  const [form, value, valid] =
    kind === 'ports'
      ? [0, traffic.port, isUpTo(traffic.port, 65_535)]
      : kind === 'icmp'
        ? [0, traffic.type * 256 + traffic.code, isUpTo(traffic.type, 255) && isUpTo(traffic.code, 255)]
        : [1, 0, true];
  if (!valid || !isUpTo(protocol, 255))
    throw fail(
      'invalid',
      `no packet carries ${JSON.stringify(traffic)}; ports go up to 65535, all the rest up to 255`,
    );
  return (form * 256 + protocol) * 65_536 + value;
}

/**
 * The policy of one namespace, ready to decide: what applies in it, parsed and indexed. What depends only on the
 * classes of subject and peer is remembered, within bounds.
 */
export class NamespacePolicy {
  readonly namespace: BundleNamespace;
  readonly #networks: readonly BundleExternalNetwork[];
  readonly #index: NetworkIndex;
  readonly #table = new ClauseTable();
  readonly #ports = new Map<string, PortSet>();
  /** As rules, or at rest as their text. */
  #rulesets: readonly (RulesOf | PackedText)[];
  readonly #fallbacks: readonly boolean[];
  /** Of rulesets, one behind the other. */
  readonly #ids: Buffer;
  /** Subject clause → rulesets. */
  readonly #selecting: NumberLists;
  /** At rest: clause of an object → rulesets, by direction. */
  #naming: Record<Direction, NumberLists> | undefined;
  readonly #networkClasses: readonly TagClass[];
  readonly #nobody: TagClass;
  #remembered: Record<Direction, Map<number, Remembered>> = { incoming: new Map(), outgoing: new Map() };
  #weight = 0;
  #outcomes = 0;
  #sets = new Map<string, NetworkSet>();
  #addresses = new Map<string, { set: NetworkSet; entries: readonly string[] }>();
  #nextSet = 0;

  /** `rulesets` and `networks`: those that apply in the namespace, sorted by ID. */
  constructor(
    namespace: BundleNamespace,
    rulesets: readonly BundleRuleSet[],
    networks: readonly BundleExternalNetwork[],
  ) {
    this.namespace = namespace;
    this.#networks = networks;
    this.#index = new NetworkIndex(networks.map(network => network.entries));
    this.#rulesets = rulesets.map((ruleset, order) => this.#parse(ruleset, order));
    this.#ports.clear();
    this.#fallbacks = rulesets.map(({ fallback }) => fallback);
    this.#ids = Buffer.from(rulesets.map(({ ID }) => ID).join(''), 'hex');
    this.#selecting = NumberLists.of(
      rulesets.map(({ subject }) => subject.map(clause => this.#table.add(clause))),
    );
    this.#networkClasses = networks.map(network => this.#table.classOf(this.wire(network.tags)));
    this.#nobody = this.#table.classOf([]);
  }

  #parse(ruleset: BundleRuleSet, order: number): RulesOf {
    const parse = (direction: Direction, rules: readonly NetworkRule[]) =>
      rules.map(
        (rule, index): ParsedRule => ({
          rank: rankOf(rule.action, order, index),
          action: rule.action,
          observed: rule.observationEnabled,
          logged: !rule.logsDisabled,
          ports: this.#portsOf(rule.protocolPorts),
          object: rule.object.map(clause => this.#table.add(clause)),
          ref: {
            rulesetID: ruleset.ID,
            name: ruleset.name,
            namespace: ruleset.namespace,
            propagated: ruleset.namespace !== this.namespace.path,
            direction,
            index,
            ruleName: rule.name,
          },
        }),
      );
    return {
      incoming: parse('incoming', ruleset.incomingRules),
      outgoing: parse('outgoing', ruleset.outgoingRules),
    };
  }

  /** Equal ones are one: most rules are about few ports. */
  #portsOf(texts: readonly string[]): PortSet {
    const key = texts.join();
    const known = this.#ports.get(key) ?? parseProtocolPorts(texts);
    this.#ports.set(key, known);
    return known;
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
    return this.#selected(this.#table.classOf(subject))
      .flatMap(ruleset => this.#rulesOf(ruleset)[direction])
      .sort((a, b) => a.rank - b.rank);
  }

  /** Where the rule of that rank is. */
  placeOf(rank: number): RulePlace {
    const ruleset = Math.floor(rank / INDEXES) % ORDERS;
    const rulesetID = this.#ids.toString('hex', ruleset * ID_BYTES, (ruleset + 1) * ID_BYTES) as ObjectId;
    return { rulesetID, index: rank % INDEXES };
  }

  /** The one of that rank, which there must be. */
  rule(direction: Direction, rank: number): ParsedRule {
    const rule = this.#rulesOf(Math.floor(rank / INDEXES) % ORDERS)[direction][rank % INDEXES];
    if (!rule) throw new RangeError(`no ${direction} rule has the rank ${rank}`);
    return rule;
  }

  /**
   * For who seldom decides, of many rulesets: forgets what can be made again, and keeps rules as packed text. What is asked
   * later is answered the same.
   */
  rest(): void {
    this.#table.rest();
    this.#forget();
    if (this.#naming) return;
    const all = this.#rulesets.map((_, at) => this.#rulesOf(at));
    const naming = (direction: Direction): NumberLists =>
      NumberLists.of(all.map(rules => rules[direction].flatMap(({ object }) => object)));
    this.#naming = { incoming: naming('incoming'), outgoing: naming('outgoing') };
    this.#rulesets = all.map(rules => new PackedText(JSON.stringify(rules)));
  }

  #rulesOf(ruleset: number): RulesOf {
    const rules = this.#rulesets[ruleset];
    if (rules instanceof PackedText) return JSON.parse(rules.text);
    return rules ?? { incoming: [], outgoing: [] };
  }

  /** Whether a ruleset selects a unit with these tags on the wire by a clause that asks for this one of them. */
  selectsBy(subject: readonly Tag[], tag: Tag): boolean {
    return this.#table
      .classOf(subject)
      .clauses.some(
        clause =>
          this.#selecting.at(clause).length > 0 &&
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
    const { index, outcomes } = this.#rulesFor(this.#table.classOf(subject), direction);
    const peerClass = peer.tags ? this.#table.classOf(peer.tags) : this.#nobody;
    const { set, entries } = this.#holding(peer.address, peer.names);
    const pair = peerClass.id * 2 ** 26 + set.id;
    const key = trafficKey(traffic);
    let known = outcomes?.get(pair)?.get(key);
    if (!known) {
      known = index.decide(peerClass, set.classes, traffic);
      if (outcomes) this.#remember(outcomes, pair, key, known);
    }
    const by = (hit: Hit | undefined): Deciding | undefined =>
      hit && { action: hit.rule.action, rule: hit.rule.ref, via: this.#via(hit, peerClass, set, entries) };
    return { enforced: by(known.enforced), observed: by(known.any?.rule.observed ? known.any : undefined) };
  }

  #via({ rule, via }: Hit, peer: TagClass, set: NetworkSet, entries: readonly string[]): Via {
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

  #rulesFor(subject: TagClass, direction: Direction): Remembered {
    const known = this.#remembered[direction].get(subject.id);
    if (known) return known;
    const selected = this.#selected(subject);
    const naming = this.#naming?.[direction];
    const made = naming
      ? { index: this.#indexAtRest(selected, direction, naming), outcomes: new Map() }
      : this.#indexed(selected, direction);
    this.#remembered[direction].set(subject.id, made);
    return made;
  }

  #indexed(selected: readonly number[], direction: Direction): Remembered {
    const index = new RuleIndex(selected.flatMap(ruleset => this.#rulesOf(ruleset)[direction]));
    const weight = index.weight + EMPTY_WEIGHT;
    if (this.#weight + weight > KEPT_WEIGHT) this.#forget();
    this.#weight += weight;
    return { index, outcomes: index.weight > WORTH_REMEMBERING ? new Map() : undefined };
  }

  /** Reads those rules alone that name the peer. */
  #indexAtRest(
    selected: readonly number[],
    direction: Direction,
    naming: NumberLists,
  ): Pick<RuleIndex, 'decide'> {
    const isSelected = new Uint8Array(this.#rulesets.length);
    for (const ruleset of selected) isSelected[ruleset] = 1;
    return {
      decide: (peer, networks, traffic) => {
        const clauses = new Set([peer, ...networks].flatMap(one => one.clauses));
        const rulesets = new Set([...clauses].flatMap(clause => [...naming.at(clause)]));
        const rules = [...rulesets]
          .filter(ruleset => isSelected[ruleset])
          .flatMap(ruleset => this.#rulesOf(ruleset)[direction]);
        return new RuleIndex(rules).decide(peer, networks, traffic);
      },
    };
  }

  /** Rulesets, by position. Fallback rulesets count only when no other selects the subject. */
  #selected(subject: TagClass): number[] {
    const all = [...new Set(subject.clauses.flatMap(clause => [...this.#selecting.at(clause)]))];
    const regular = all.filter(ruleset => !this.#fallbacks[ruleset]);
    return regular.length > 0 ? regular : all;
  }

  #remember(outcomes: Outcomes, pair: number, key: number, outcome: Outcome): void {
    if (++this.#outcomes > (this.#naming ? KEPT_AT_REST : KEPT_OUTCOMES)) this.#forget();
    const byTraffic = outcomes.get(pair);
    if (byTraffic) byTraffic.set(key, outcome);
    else outcomes.set(pair, new Map([[key, outcome]]));
  }

  #forget(): void {
    this.#remembered = { incoming: new Map(), outgoing: new Map() };
    this.#weight = 0;
    this.#outcomes = 0;
  }

  /** Which external networks hold the peer, and by which entries. */
  #holding(
    address: string | undefined,
    names: readonly string[],
  ): { set: NetworkSet; entries: readonly string[] } {
    const known = names.length === 0 ? this.#addresses.get(address ?? '') : undefined;
    if (known) return known;
    const matches = this.#index.find(address, ...names);
    const made = { set: this.#setOf(matches), entries: matches.map(({ entry }) => entry) };
    if (names.length > 0) return made;
    if (this.#addresses.size >= KEPT_ADDRESSES) this.#addresses = new Map();
    this.#addresses.set(address ?? '', made);
    return made;
  }

  #setOf(matches: readonly NetworkMatch[]): NetworkSet {
    const networks = matches.map(({ network }) => network);
    const key = networks.join(',');
    const known = this.#sets.get(key);
    if (known) return known;
    if (this.#sets.size >= KEPT_ADDRESSES) this.#sets = new Map();
    const classes = networks.map(network => this.#networkClasses[network] ?? this.#nobody);
    const made = { id: this.#nextSet++, networks, classes };
    this.#sets.set(key, made);
    return made;
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

import type { BundleRuleSet } from '../schema/bundle.ts';
import type { NamespacePath, ObjectId } from '../schema/ids.ts';
import type { NetworkRule } from '../schema/networkrulesetpolicy.ts';
import { type PortSet, parseProtocolPorts } from '../schema/protocol-ports.ts';
import type { ClauseTable, TagClass } from './clause-table.ts';
import type { Direction } from './decision.ts';
import { NumberLists } from './number-lists.ts';
import { PackedText } from './packed-text.ts';
import type { ParsedRule } from './rule-index.ts';

/** The rules of a ruleset, by direction. */
type RulesOf = Record<Direction, readonly ParsedRule[]>;

/** An ID has twice as many digits. */
const ID_BYTES = 12;

/** `rank` is made of these, so that it tells where the rule is. */
const [ORDERS, INDEXES] = [2 ** 24, 2 ** 20] as const;
const rankOf = (action: ParsedRule['action'], order: number, index: number): number =>
  ((action === 'Reject' ? 0 : 1) * ORDERS + order) * INDEXES + index;

/** Equal ones are one: most rules are about few ports. */
function portsKept(): (texts: readonly string[]) => PortSet {
  const kept = new Map<string, PortSet>();
  return texts => {
    const key = texts.join();
    const known = kept.get(key) ?? parseProtocolPorts(texts);
    kept.set(key, known);
    return known;
  };
}

/** The rulesets that apply in one namespace, by their position: as rules, or at rest as their text. */
export class ParsedRulesets {
  #rulesets: readonly (RulesOf | PackedText)[];
  readonly #fallbacks: readonly boolean[];
  /** Of rulesets, one behind the other. */
  readonly #ids: Buffer;
  /** Subject clause → rulesets. */
  readonly #selecting: NumberLists;
  /** At rest: clause of an object → rulesets, by direction. */
  #naming: Record<Direction, NumberLists> | undefined;

  /** Sorted by ID. Their clauses are added to the table. */
  constructor(namespace: NamespacePath, rulesets: readonly BundleRuleSet[], table: ClauseTable) {
    const portsOf = portsKept();
    const parse = (ruleset: BundleRuleSet, order: number, direction: Direction) =>
      ruleset[`${direction}Rules`].map(
        (rule: NetworkRule, index): ParsedRule => ({
          rank: rankOf(rule.action, order, index),
          action: rule.action,
          observed: rule.observationEnabled,
          logged: !rule.logsDisabled,
          ports: portsOf(rule.protocolPorts),
          object: rule.object.map(clause => table.add(clause)),
          ref: {
            rulesetID: ruleset.ID,
            name: ruleset.name,
            namespace: ruleset.namespace,
            propagated: ruleset.namespace !== namespace,
            direction,
            index,
            ruleName: rule.name,
          },
        }),
      );
    this.#rulesets = rulesets.map((ruleset, order) => ({
      incoming: parse(ruleset, order, 'incoming'),
      outgoing: parse(ruleset, order, 'outgoing'),
    }));
    this.#fallbacks = rulesets.map(({ fallback }) => fallback);
    this.#ids = Buffer.from(rulesets.map(({ ID }) => ID).join(''), 'hex');
    this.#selecting = NumberLists.of(rulesets.map(({ subject }) => subject.map(clause => table.add(clause))));
  }

  /** Those that count for a subject: fallback rulesets only when no other selects it. */
  selected(subject: TagClass): number[] {
    const all = [...new Set(subject.clauses.flatMap(clause => [...this.#selecting.at(clause)]))];
    const regular = all.filter(ruleset => !this.#fallbacks[ruleset]);
    return regular.length > 0 ? regular : all;
  }

  /** Whether any selects by that clause. */
  isSubject(clause: number): boolean {
    return this.#selecting.at(clause).length > 0;
  }

  /** Of some of them, in no order. */
  rules(rulesets: readonly number[], direction: Direction): ParsedRule[] {
    return rulesets.flatMap(ruleset => this.#rulesOf(ruleset)[direction]);
  }

  /** Where the rule of that rank is. */
  placeOf(rank: number): { rulesetID: ObjectId; index: number } {
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

  get isAtRest(): boolean {
    return this.#naming !== undefined;
  }

  /** At rest: finds those of some rulesets that may name a peer of these classes, and reads no others. */
  rulesNaming(
    rulesets: readonly number[],
    direction: Direction,
  ): (classes: readonly TagClass[]) => readonly ParsedRule[] {
    const isAmong = new Uint8Array(this.#rulesets.length);
    for (const ruleset of rulesets) isAmong[ruleset] = 1;
    return classes => {
      const clauses = new Set(classes.flatMap(one => one.clauses));
      const naming = new Set(
        [...clauses].flatMap(clause => [...(this.#naming?.[direction].at(clause) ?? [])]),
      );
      return this.rules(
        [...naming].filter(ruleset => isAmong[ruleset]),
        direction,
      );
    };
  }

  /** Keeps rules as packed text from now on. */
  rest(): void {
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
}

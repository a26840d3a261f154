import { NumberLists } from '../../../shared/core/number-lists.ts';
import { outcomesOf } from '../../../shared/core/outcomes.ts';
import type { NamespacePolicy, RulePlace } from '../../../shared/core/policy.ts';
import type { ParsedRule } from '../../../shared/core/rule-index.ts';
import type { ObjectId } from '../../../shared/schema/ids.ts';
import type { Tag } from '../../../shared/schema/tag.ts';
import type { Loom, Side, Woven, Written } from './loom.ts';
import { shortHash } from './model.ts';
import { isSame, type Unchanged } from './same.ts';
import { WovenTable } from './woven-table.ts';

/** What one policy says to one kind of unit in one direction about every peer. */
export class Judge {
  readonly policy: NamespacePolicy;
  /** Until `rest`. */
  #rules: readonly ParsedRule[] | undefined;
  /** Of each rule, by which it is found again. */
  readonly #ranks: Float64Array;
  /** Clause → positions of the rules that it makes name the peer. */
  readonly #naming: NumberLists;
  readonly #woven = new WovenTable();
  /** What an earlier one wove, and where it had the rules that are the same here. Until `rest`. */
  #earlier: { judge: Judge; places: readonly number[] } | undefined;
  /** What is asked for twice: to tell whether it is new, and where it is. Until `rest`. */
  readonly #lately = new Map<string, Written>();
  /** What its verdicts lead to. */
  readonly ends = new Set<string>();
  readonly #loom: Loom;
  readonly #side: Side;
  readonly layer3Only: boolean;

  /** `subject`: the unit's tags on the wire. */
  constructor(
    policy: NamespacePolicy,
    subject: readonly Tag[],
    { loom, side, layer3Only }: { loom: Loom; side: Side; layer3Only: boolean },
  ) {
    this.policy = policy;
    this.#loom = loom;
    this.#side = side;
    this.layer3Only = layer3Only;
    const rules = policy.rules(subject, side.direction);
    this.#rules = rules;
    this.#ranks = Float64Array.from(rules, ({ rank }) => rank);
    this.#naming = NumberLists.of(rules.map(({ object }) => object));
  }

  /** Takes over what an earlier one wove. `unchanged`: rulesets that are as they were. */
  goOnFrom(earlier: Judge, unchanged: Unchanged): void {
    if (earlier.layer3Only !== this.layer3Only || !isSame(earlier.#side, this.#side)) return;
    this.#earlier = { judge: earlier, places: placesOf(this.#places, earlier.#places, unchanged) };
  }

  /** Where each rule is in its policy. */
  get #places(): RulePlace[] {
    return Array.from(this.#ranks, rank => this.policy.placeOf(rank));
  }

  /** Whether all that this one says to anybody is what the other does. Of an earlier one known until `rest`. */
  saysAs(other: Judge): boolean {
    if (other === this) return true;
    const { judge, places } = this.#earlier ?? {};
    return judge === other && places?.length === other.#ranks.length && places.every((at, now) => at === now);
  }

  /** Whether a rule asks for one of these clauses. */
  names(clauses: readonly number[]): boolean {
    return clauses.some(clause => this.#naming.at(clause).length > 0);
  }

  /** Clauses that a rule asks for. */
  get named(): Iterable<number> {
    return this.#naming.keys();
  }

  /** What is said to a peer that satisfies these clauses, by its tags or by networks that hold it. */
  weave(clauses: Iterable<number>): Woven {
    const positions = this.#positions(clauses);
    const known = this.#woven.get(positions);
    if (known) return known;
    const made = this.#wovenBefore(positions) ?? this.#weave(positions);
    this.#woven.set(positions, made);
    return made;
  }

  #wovenBefore(positions: readonly number[]): Woven | undefined {
    if (!this.#earlier) return undefined;
    const { judge, places } = this.#earlier;
    const before = positions.map(at => places[at] ?? ELSEWHERE);
    return before.includes(ELSEWHERE) ? undefined : judge.#woven.get(before);
  }

  #weave(positions: readonly number[]): Woven {
    const { rules } = this.#rulesAt(positions);
    return { hash: shortHash(rules.join('\n')), size: rules.length };
  }

  /** The same as rules. */
  rules(clauses: Iterable<number>): Written {
    return this.#rulesAt(this.#positions(clauses));
  }

  /** Where its packets go. */
  verdict(clauses: readonly number[]): string {
    return this.#loom.verdict(this.weave(clauses), this.rules(clauses), this.ends);
  }

  #positions(clauses: Iterable<number>): number[] {
    const positions = new Set<number>();
    for (const clause of clauses) for (const at of this.#naming.at(clause)) positions.add(at);
    return [...positions].sort((a, b) => a - b);
  }

  #rulesAt(positions: readonly number[]): Written {
    const key = positions.join();
    const known = this.#lately.get(key);
    if (known) return known;
    const rules = positions.map(at => this.#ruleAt(at));
    const made = this.#loom.rules(outcomesOf(rules, this.layer3Only), this.#side);
    this.#lately.set(key, made);
    return made;
  }

  #ruleAt(position: number): ParsedRule {
    return this.#rules?.[position] ?? this.policy.rule(this.#side.direction, this.#ranks[position] ?? 0);
  }

  /** Forgets what can be made again. */
  rest(): void {
    this.#lately.clear();
    this.#earlier = undefined;
    this.#rules = undefined;
    this.policy.rest();
  }
}

const ELSEWHERE = -1;

/** Where each rule was. Nothing is found for rules whose order was another. */
function placesOf(
  rules: readonly RulePlace[],
  earlier: readonly RulePlace[],
  unchanged: Unchanged,
): readonly number[] {
  const places = new Map<ObjectId, { at: number; index: number }[]>();
  for (const [at, { rulesetID, index }] of earlier.entries()) {
    if (!unchanged.has(rulesetID)) continue;
    const list = places.get(rulesetID);
    if (list) list.push({ at, index });
    else places.set(rulesetID, [{ at, index }]);
  }
  return rules.map(
    ({ rulesetID, index }) => places.get(rulesetID)?.find(one => one.index === index)?.at ?? ELSEWHERE,
  );
}

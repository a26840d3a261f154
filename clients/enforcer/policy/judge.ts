import { NumberLists } from '../../../shared/core/number-lists.ts';
import { outcomesOf } from '../../../shared/core/outcomes.ts';
import type { NamespacePolicy } from '../../../shared/core/policy.ts';
import type { ParsedRule } from '../../../shared/core/rule-index.ts';
import type { ObjectId } from '../../../shared/schema/ids.ts';
import type { Tag } from '../../../shared/schema/tag.ts';
import type { Loom, Side, Woven, Written } from './loom.ts';
import { shortHash } from './model.ts';
import { isSame } from './same.ts';
import { WovenTable } from './woven-table.ts';

/** What one policy says to one kind of unit in one direction about every peer. */
export class Judge {
  readonly policy: NamespacePolicy;
  readonly #rules: readonly ParsedRule[];
  /** Clause → positions of the rules that it makes name the peer. */
  readonly #naming: NumberLists;
  readonly #woven = new WovenTable();
  /** What an earlier one wove, and where it had the rules that are the same here. Until `rest`. */
  #earlier: { woven: WovenTable; places: readonly number[] } | undefined;
  /** What is asked for twice: to tell whether it is new, and where it is. Until `rest`. */
  readonly #lately = new Map<string, Written>();
  /** What its verdicts lead to. */
  readonly ends = new Set<string>();
  readonly #loom: Loom;
  readonly #side: Side;
  readonly #layer3Only: boolean;

  /** `subject`: the unit's tags on the wire. */
  constructor(
    policy: NamespacePolicy,
    subject: readonly Tag[],
    { loom, side, layer3Only }: { loom: Loom; side: Side; layer3Only: boolean },
  ) {
    this.policy = policy;
    this.#loom = loom;
    this.#side = side;
    this.#layer3Only = layer3Only;
    this.#rules = policy.rules(subject, side.direction);
    this.#naming = NumberLists.of(this.#rules.map(({ object }) => object));
  }

  /** Takes over what an earlier one wove. `unchanged`: rulesets that are as they were. */
  goOnFrom(earlier: Judge, unchanged: ReadonlySet<ObjectId>): void {
    if (earlier.#layer3Only !== this.#layer3Only || !isSame(earlier.#side, this.#side)) return;
    this.#earlier = { woven: earlier.#woven, places: placesOf(this.#rules, earlier.#rules, unchanged) };
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
    const { woven, places } = this.#earlier;
    const before = positions.map(at => places[at] ?? ELSEWHERE);
    return before.includes(ELSEWHERE) ? undefined : woven.get(before);
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
    const rules = positions.flatMap(at => this.#rules[at] ?? []);
    const made = this.#loom.rules(outcomesOf(rules, this.#layer3Only), this.#side);
    this.#lately.set(key, made);
    return made;
  }

  /** Forgets what can be made again. */
  rest(): void {
    this.#lately.clear();
    this.#earlier = undefined;
  }
}

const ELSEWHERE = -1;

/** Where each rule was. Nothing is found for rules whose order was another. */
function placesOf(
  rules: readonly ParsedRule[],
  earlier: readonly ParsedRule[],
  unchanged: ReadonlySet<ObjectId>,
): readonly number[] {
  const places = new Map<ObjectId, { at: number; index: number }[]>();
  for (const [at, { ref }] of earlier.entries()) {
    if (!unchanged.has(ref.rulesetID)) continue;
    const list = places.get(ref.rulesetID);
    if (list) list.push({ at, index: ref.index });
    else places.set(ref.rulesetID, [{ at, index: ref.index }]);
  }
  return rules.map(
    ({ ref }) => places.get(ref.rulesetID)?.find(({ index }) => index === ref.index)?.at ?? ELSEWHERE,
  );
}
